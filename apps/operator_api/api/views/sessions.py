from typing import Any, Final
from urllib.parse import urlencode

from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.operator_api.api import rendering
from apps.operator_api.api.answers import RefreshedAnswer, SessionAnswer
from apps.operator_api.api.authentication import MissingScopeError
from apps.operator_api.api.keyed import answer_about, key_of, replay_headers, respond
from apps.operator_api.api.problems import problem_of
from apps.operator_api.api.requests import OpenSessionRequest, RefreshSessionRequest
from apps.operator_api.api.schema import FUNDING_KEY, documented, refused_launch
from apps.operator_api.api.views.base import OperatorView, checked
from apps.operator_api.contracts import Answer, FundedLaunch, KeyedRequest
from apps.operator_api.enums import Scope
from apps.operator_api.services import end_session_for_client, open_funded_session
from apps.play import services
from apps.play.contracts import OpenedSession
from apps.play.errors import LaunchRefusedError
from apps.play.selectors import session_id_of
from apps.players.contracts import PlayerRef
from apps.players.selectors import player_by_ref

SESSION_ID: Final = OpenApiParameter("session_id", OpenApiTypes.UUID, OpenApiParameter.PATH)


class SessionsView(OperatorView):
    scope = Scope.SESSIONS_WRITE

    @documented(
        "open_session",
        Scope.SESSIONS_WRITE,
        {201: SessionAnswer, 403: refused_launch()},
        refusals=(400, 404, 409, 413, 415, 422),
        request=OpenSessionRequest,
        parameters=[FUNDING_KEY],
        summary="Open a game session behind the launch gate, with money if the client says so",
    )
    def post(self, request: Request) -> Response:
        wanted = checked(OpenSessionRequest, request.data)
        player = player_by_ref(wanted["player_id"])
        try:
            if "fund" in wanted:
                return self._open_funded(request, player, wanted)
            opened = services.open_session(
                player_ref=player.player_ref,
                provider_code=wanted["provider"],
                game_code=wanted["game"],
                now=self.now,
            )
        except LaunchRefusedError as refusal:
            return _refused(refusal, player.jurisdiction)
        return _opened(request, player, opened, None)

    def _open_funded(self, request: Request, player: PlayerRef, wanted: dict[str, str]) -> Response:
        if Scope.TRANSFERS_WRITE not in self.client.scopes:
            raise MissingScopeError(Scope.TRANSFERS_WRITE)
        content = {"operation": "POST /api/v1/sessions", "body": dict(wanted)}
        launch = FundedLaunch(
            request=KeyedRequest(self.client.client_id, key_of(request), content),
            player_ref=player.player_ref,
            provider_code=wanted["provider"],
            game_code=wanted["game"],
            amount=wanted["fund"],
        )
        funded = open_funded_session(launch, answer_about, now=self.now)
        if funded.session is None:
            return respond(funded.funding)
        return _opened(request, player, funded.session, funded.funding)


class RefreshView(OperatorView):
    scope = Scope.SESSIONS_WRITE

    @documented(
        "refresh_session",
        Scope.SESSIONS_WRITE,
        {200: RefreshedAnswer, 403: refused_launch()},
        refusals=(400, 404, 409, 413, 415),
        request=RefreshSessionRequest,
        parameters=[SESSION_ID],
        summary="Renew the gameplay token; the credential is used up",
    )
    def post(self, request: Request, session_id: str) -> Response:
        found = session_id_of(session_id)
        wanted = checked(RefreshSessionRequest, request.data)
        issued = services.refresh_session(
            session_id=found, credential=wanted["refresh_credential"], now=self.now
        )
        answer = {
            "token": issued.token,
            "token_expires_at": issued.expires_at,
            "refresh_credential": issued.refresh_credential,
            "reality_check": rendering.clock(issued.reality_check),
        }
        return Response(RefreshedAnswer(answer).data)


class SessionView(OperatorView):
    scope = Scope.SESSIONS_WRITE

    @documented(
        "end_session",
        Scope.SESSIONS_WRITE,
        {204: None},
        refusals=(404,),
        parameters=[SESSION_ID],
        summary="End a session: new stakes stop, what was staked settles",
    )
    def delete(self, _request: Request, session_id: str) -> Response:
        end_session_for_client(self.client, session_id=session_id_of(session_id), now=self.now)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _opened(
    request: Request, player: PlayerRef, opened: OpenedSession, funding: Answer | None
) -> Response:
    launch = f"{reverse('launch')}?{urlencode({'code': opened.launch_code})}"
    answer = {
        "session_id": opened.public_id,
        "launch_url": request.build_absolute_uri(launch),
        "launch_expires_at": opened.launch_expires_at,
        "token": opened.token,
        "token_expires_at": opened.expires_at,
        "refresh_credential": opened.refresh_credential,
        "stakes_until": opened.stakes_until,
        "funding": None,  # filled in below, as it was written when the money moved
        "reality_check": rendering.clock(opened.reality_check),
        "support_links": rendering.helplines(player.jurisdiction),
    }
    body = dict(SessionAnswer(answer).data)
    headers = None
    if funding is not None:
        body["funding"] = funding.body
        headers = replay_headers(funding)
    return Response(body, status=status.HTTP_201_CREATED, headers=headers)


def _refused(refusal: LaunchRefusedError, jurisdiction: str) -> Response:
    answer: dict[str, Any] = problem_of(refusal)
    answer["support_links"] = rendering.helplines(jurisdiction)
    return Response(answer, status=status.HTTP_403_FORBIDDEN)
