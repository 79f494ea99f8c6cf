import re
from typing import TYPE_CHECKING, Any, Final

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.money import format_minor
from apps.operator_api.api import fields, rendering
from apps.operator_api.api.answers import RoundEventAnswer
from apps.operator_api.api.schema import documented
from apps.operator_api.api.views.base import OperatorView
from apps.operator_api.enums import Scope
from apps.providers.contracts import CertificateRef
from apps.rounds.proving import proof_of_event
from apps.rounds.selectors import attempt_count, deliveries_of_event, event_by_id
from apps.wallet.selectors import transfers_for_subject

if TYPE_CHECKING:
    from apps.rounds.models import RoundEvent

# Our own corrections are events as well; their ids carry an "@".
_EVENT: Final = r"^[A-Za-z0-9_.:~@-]{1,128}\Z"
_NEWEST: Final = 20
_PARAMETERS: Final = [
    OpenApiParameter(
        name,
        {"type": "string", "pattern": pattern.replace(r"\Z", "$")},
        OpenApiParameter.PATH,
    )
    for name, pattern in (("provider", fields.CODE), ("event_id", _EVENT))
]


class RoundEventView(OperatorView):
    scope = Scope.ROUNDS_READ

    @documented(
        "round_event",
        Scope.ROUNDS_READ,
        {200: RoundEventAnswer},
        refusals=(404,),
        parameters=_PARAMETERS,
        summary="One event with its payload, attempts, ledger lines and certificate in force",
    )
    def get(self, _request: Request, provider: str, event_id: str) -> Response:
        event = None
        if re.match(fields.CODE, provider) and re.match(_EVENT, event_id):
            event = event_by_id(provider, event_id)
        if event is None:
            raise NotFound
        return Response(RoundEventAnswer(_answer(event, provider)).data)


def _answer(event: "RoundEvent", provider: str) -> dict[str, Any]:
    lines = transfers_for_subject(f"{provider}:{event.event_id}")
    return {
        "provider": provider,
        "event_id": event.event_id,
        "round_id": event.round_ref,
        "player_id": event.player_ref,
        "game": event.game_code,
        "kind": event.round_type,
        "bet": format_minor(event.bet_minor, event.currency),
        "win": format_minor(event.win_minor, event.currency),
        "currency": event.currency,
        "occurred_at": event.occurred_at,
        "received_at": event.received_at,
        "status": event.status,
        "code": event.code,
        "money": event.money_state,
        "attempt_count": attempt_count(event),
        "attempts": [
            rendering.attempt(view, event.event_id)
            for view in deliveries_of_event(provider, event.event_id, newest=_NEWEST)
        ],
        "ledger_lines": [rendering.ledger_line(line) for line in lines],
        "certificate": rendering.certificate(_certificate_then(event)),
    }


def _certificate_then(event: "RoundEvent") -> CertificateRef | None:
    proof = proof_of_event(event)
    return None if proof is None else proof.cover.certificate
