import re
from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.bonuses.contracts import GrantProgress
from apps.bonuses.selectors import progress_of_player
from apps.core.money import format_minor
from apps.operator_api import services
from apps.operator_api.api import answers, fields, rendering
from apps.operator_api.api.requests import BalanceAtProviderQuery, PlayerRequest
from apps.operator_api.api.schema import documented
from apps.operator_api.api.views.base import OperatorView, checked
from apps.operator_api.contracts import MirroredPlayer, WantedExclusion, WantedLimit
from apps.operator_api.enums import Scope
from apps.players.contracts import PlayerRef
from apps.players.errors import UnknownPlayerError
from apps.players.selectors import player_by_ref, players_by_ref, protection_reasons
from apps.wallet.selectors import balances

_ID: Final = OpenApiParameter(
    "player_id",
    {"type": "string", "pattern": fields.REF.replace(r"\Z", "$"), "maxLength": 128},
    OpenApiParameter.PATH,
)


def _known(player_id: str) -> PlayerRef:
    if not re.match(fields.REF, player_id):
        raise UnknownPlayerError(player_id[:60])
    return player_by_ref(player_id)


class BalanceView(OperatorView):
    scope = Scope.PLAYERS_READ

    @documented(
        "player_balance",
        Scope.PLAYERS_READ,
        {200: answers.BalanceAnswer},
        refusals=(404,),
        parameters=[_ID],
        summary="What the player has, pot by pot",
    )
    def get(self, _request: Request, player_id: str) -> Response:
        player = _known(player_id)
        answer = rendering.balance(player.player_ref, player.currency, balances(player.id))
        return Response(answers.BalanceAnswer(answer).data)


class BalanceAtProviderView(OperatorView):
    scope = Scope.PLAYERS_READ

    @documented(
        "player_balance_at_provider",
        Scope.PLAYERS_READ,
        {200: answers.BalanceAtProviderAnswer},
        refusals=(400, 404, 409, 502),
        parameters=[_ID, BalanceAtProviderQuery],
        summary="What the player's wallet at a provider holds by the provider's own word",
    )
    def get(self, request: Request, player_id: str) -> Response:
        wanted = checked(BalanceAtProviderQuery, request.query_params.dict())
        found = services.provider_balance(_known(player_id), wanted["provider"], now=self.now)
        return Response(answers.BalanceAtProviderAnswer(rendering.provider_balance(found)).data)


class BonusesView(OperatorView):
    scope = Scope.PLAYERS_READ

    @documented(
        "player_bonuses",
        Scope.PLAYERS_READ,
        {200: answers.BonusesAnswer},
        refusals=(404,),
        parameters=[_ID],
        summary="The player's bonuses with live wagering progress",
    )
    def get(self, _request: Request, player_id: str) -> Response:
        player = _known(player_id)
        grants = [_bonus(grant) for grant in progress_of_player(player.id)]
        answer = {"player_id": player.player_ref, "bonuses": grants}
        return Response(answers.BonusesAnswer(answer).data)


class EligibilityView(OperatorView):
    scope = Scope.PLAYERS_READ

    @documented(
        "withdrawal_eligibility",
        Scope.PLAYERS_READ,
        {200: answers.EligibilityAnswer},
        refusals=(404,),
        parameters=[_ID],
        summary="Whether and how much the player may withdraw, with every reason",
    )
    def get(self, _request: Request, player_id: str) -> Response:
        found = services.withdrawal_eligibility(_known(player_id), now=self.now)
        return Response(answers.EligibilityAnswer(rendering.eligibility(found)).data)


class PlayerView(OperatorView):
    scope = Scope.PLAYERS_WRITE

    @documented(
        "mirror_player",
        Scope.PLAYERS_WRITE,
        {200: answers.PlayerAnswer, 201: answers.PlayerAnswer},
        refusals=(400, 404, 409, 413, 415),
        request=PlayerRequest,
        parameters=[_ID],
        summary="State what a player is now; saying it again changes nothing",
    )
    def put(self, request: Request, player_id: str) -> Response:
        if not re.match(fields.REF, player_id):
            raise UnknownPlayerError(player_id[:60])
        wanted = checked(PlayerRequest, request.data)
        is_new = not players_by_ref([player_id])
        player = services.mirror_player(
            _mirrored(player_id, wanted),
            client_name=self.client.client_name,
            now=self.now,
        )
        may_play = not protection_reasons(player, self.now)
        answer = answers.PlayerAnswer(rendering.player(player, may_play=may_play)).data
        return Response(answer, status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)


def _mirrored(player_id: str, wanted: dict[str, Any]) -> MirroredPlayer:
    exclusion = wanted["exclusion"]
    return MirroredPlayer(
        player_ref=player_id,
        currency=wanted["currency"],
        jurisdiction=wanted["jurisdiction"],
        kyc_status=wanted["kyc_status"],
        status=wanted["status"],
        date_of_birth=wanted["date_of_birth"],
        limits=tuple(WantedLimit(**limit) for limit in wanted["limits"]),
        exclusion=None if exclusion is None else WantedExclusion(**exclusion),
    )


def _bonus(grant: GrantProgress) -> dict[str, Any]:
    return {
        "bonus_id": grant.grant_id,
        "state": grant.state,
        "currency": grant.currency,
        "required": format_minor(grant.required_minor, grant.currency),
        "done": format_minor(grant.done_minor, grant.currency),
        "remaining": format_minor(grant.required_minor - grant.done_minor, grant.currency),
        "percent_done": f"{grant.done_bp // 100}.{grant.done_bp % 100:02}",
        "requirement": grant.sentence,
    }
