import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from apps.operator_api import services
from apps.operator_api.api import rendering
from apps.operator_api.api.answers import TransferAnswer, TransferStateAnswer
from apps.operator_api.api.keyed import answer_about, key_of, respond
from apps.operator_api.api.requests import CashOutRequest, TransferRequest
from apps.operator_api.api.schema import IDEMPOTENCY_KEY, documented
from apps.operator_api.api.views.base import OperatorView, checked
from apps.operator_api.contracts import CashOutOrder, KeyedRequest, MoneyMoved, MoneyOrder
from apps.operator_api.enums import Scope
from apps.wallet.errors import UnknownGameTransferError
from apps.wallet.selectors import transfer_by_public_id

_ID: Final = OpenApiParameter(
    "transfer_id", {"type": "string", "format": "uuid"}, OpenApiParameter.PATH
)


class _KeyedView(OperatorView):
    scope = Scope.TRANSFERS_WRITE

    def keyed(
        self, request: Request, form: type[Serializer[Any]], operation: str
    ) -> tuple[KeyedRequest, dict[str, Any]]:
        """Return what must take effect once, and the checked fields that it asks for."""
        key = key_of(request)
        wanted = checked(form, request.data)
        content = {"operation": operation, "body": dict(wanted)}
        return KeyedRequest(self.client.client_id, key, content), wanted


class TransfersView(_KeyedView):
    @documented(
        "transfer",
        Scope.TRANSFERS_WRITE,
        {201: TransferAnswer},
        refusals=(400, 404, 409, 413, 415, 422),
        request=TransferRequest,
        parameters=[IDEMPOTENCY_KEY],
        summary="Move money in or out of a player's cash, once per key",
    )
    def post(self, request: Request) -> Response:
        keyed, wanted = self.keyed(request, TransferRequest, "POST /api/v1/transfers")
        order = MoneyOrder(
            client_id=keyed.client_id,
            key=keyed.key,
            player_ref=wanted["player_id"],
            direction=wanted["kind"],
            amount=wanted["amount"],
            currency=wanted["currency"],
            reference=wanted["reference"],
            provider_code=wanted.get("provider", ""),
        )
        now = self.now
        return _answered(keyed, lambda: services.move_money(order, now=now), now)


class TransferView(OperatorView):
    scope = Scope.TRANSFERS_WRITE

    @documented(
        "transfer_state",
        Scope.TRANSFERS_WRITE,
        {200: TransferStateAnswer},
        refusals=(404,),
        parameters=[_ID],
        summary="What became of a transfer to or from a provider's own wallet, as of now",
    )
    def get(self, _request: Request, transfer_id: str) -> Response:
        try:
            public_id = uuid.UUID(transfer_id)
        except ValueError:
            raise UnknownGameTransferError(f"{transfer_id:.60} is no transfer id.") from None
        found = transfer_by_public_id(public_id)
        return Response(TransferStateAnswer(rendering.transfer_state(found)).data)


class CashOutsView(_KeyedView):
    @documented(
        "cash_out",
        Scope.TRANSFERS_WRITE,
        {201: TransferAnswer},
        refusals=(400, 404, 409, 413, 415, 422),
        request=CashOutRequest,
        parameters=[IDEMPOTENCY_KEY],
        summary="Bring all back that a player has at a provider, once per key",
    )
    def post(self, request: Request) -> Response:
        keyed, wanted = self.keyed(request, CashOutRequest, "POST /api/v1/cash-outs")
        order = CashOutOrder(
            client_id=keyed.client_id,
            key=keyed.key,
            player_ref=wanted["player_id"],
            provider_code=wanted["provider"],
            reference=wanted["reference"],
        )
        now = self.now
        return _answered(keyed, lambda: services.cash_out(order, now=now), now)


def _answered(keyed: KeyedRequest, move: Callable[[], MoneyMoved], now: datetime) -> Response:
    return respond(services.answer_once(keyed, lambda: answer_about(move), now=now))
