import re
from typing import Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.operator_api.api import answers, rendering
from apps.operator_api.api.requests import AnswerRealityCheckRequest, ShowRealityCheckRequest
from apps.operator_api.api.schema import documented
from apps.operator_api.api.views.base import OperatorView, checked
from apps.operator_api.api.views.sessions import SESSION_ID
from apps.operator_api.enums import Scope
from apps.play import services
from apps.play.selectors import session_id_of
from apps.play.visits import reality_check_state
from apps.players.enums import RealityCheckStep
from apps.players.errors import UnknownRealityCheckError

_CHECK_ID: Final = OpenApiParameter("check_id", OpenApiTypes.INT64, OpenApiParameter.PATH)
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,17}")


class RealityChecksView(OperatorView):
    scope = Scope.SESSIONS_WRITE

    @documented(
        "reality_check_state",
        Scope.SESSIONS_WRITE,
        {200: answers.RealityCheckStateAnswer},
        refusals=(404,),
        parameters=[SESSION_ID],
        summary="Whether a reality check is due in a session, and the figures to show",
    )
    def get(self, _request: Request, session_id: str) -> Response:
        state = reality_check_state(session_id_of(session_id), self.now)
        answer = rendering.reality_check_state(state)
        return Response(answers.RealityCheckStateAnswer(answer).data)

    @documented(
        "show_reality_check",
        Scope.SESSIONS_WRITE,
        {201: answers.RealityCheckAnswer, 200: answers.RealityCheckAnswer},
        refusals=(400, 404, 409, 413, 415),
        request=ShowRealityCheckRequest,
        parameters=[SESSION_ID],
        summary="Record that a reality check is shown now; again, it is the one that waits",
    )
    def post(self, request: Request, session_id: str) -> Response:
        found = session_id_of(session_id)
        checked(ShowRealityCheckRequest, request.data)
        shown = services.show_reality_check(session_id=found, now=self.now)
        answer = rendering.reality_check(shown.line, shown.currency)
        return Response(
            answers.RealityCheckAnswer(answer).data,
            status=status.HTTP_200_OK if shown.is_repeat else status.HTTP_201_CREATED,
        )


class RealityCheckAnswerView(OperatorView):
    scope = Scope.SESSIONS_WRITE

    @documented(
        "answer_reality_check",
        Scope.SESSIONS_WRITE,
        {200: answers.RealityCheckAnsweredAnswer},
        refusals=(400, 404, 409, 413, 415),
        request=AnswerRealityCheckRequest,
        parameters=[SESSION_ID, _CHECK_ID],
        summary="Record the player's answer: go on, or stop, which ends the player's sessions",
    )
    def post(self, request: Request, session_id: str, check_id: str) -> Response:
        found = session_id_of(session_id)
        if not _NUMBER.fullmatch(check_id):
            raise UnknownRealityCheckError(check_id[:60])
        wanted = checked(AnswerRealityCheckRequest, request.data)
        given = services.answer_reality_check(
            session_id=found,
            check_id=int(check_id),
            answer=RealityCheckStep(wanted["answer"]),
            now=self.now,
        )
        answer = {
            **rendering.reality_check(given.line, given.currency),
            "session_ended": given.has_ended,
            "next": rendering.clock(given.clock),
        }
        return Response(answers.RealityCheckAnsweredAnswer(answer).data)
