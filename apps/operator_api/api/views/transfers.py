import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from apps.operator_api import services
from apps.operator_api.api import rendering
from apps.operator_api.api.answers import TransferAnswer, TransferStateAnswer
from apps.operator_api.api.keyed import answer_about, key_of, respond
from apps.operator_api.api.requests import CashOutRequest, TransferRequest
from apps.operator_api.api.schema import IDEMPOTENCY_KEY, documented
from apps.operator_api.api.views.base import OperatorView
from apps.operator_api.contracts import CashOutOrder, KeyedRequest, MoneyMoved, MoneyOrder
from apps.operator_api.enums import Scope
from apps.wallet.errors import UnknownGameTransferError
from apps.wallet.selectors import transfer_by_public_id

_ID: Final = OpenApiParameter(
    "transfer_id", {"type": "string", "format": "uuid"}, OpenApiParameter.PATH
)


class TransfersView(OperatorView):
    scope = Scope.TRANSFERS_WRITE

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
        key = key_of(request)
        body = TransferRequest(data=request.data)
        body.is_valid(raise_exception=True)
        wanted: dict[str, Any] = body.validated_data
        order = MoneyOrder(
            client_id=self.client.client_id,
            key=key,
            player_ref=wanted["player_id"],
            direction=wanted["kind"],
            amount=wanted["amount"],
            currency=wanted["currency"],
            reference=wanted["reference"],
            provider_code=wanted.get("provider", ""),
        )
        content = {"operation": "POST /api/v1/transfers", "body": dict(wanted)}
        now = self.now
        return _answered(
            KeyedRequest(order.client_id, key, content),
            lambda: services.move_money(order, now=now),
            now,
        )


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


class CashOutsView(OperatorView):
    scope = Scope.TRANSFERS_WRITE

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
        key = key_of(request)
        body = CashOutRequest(data=request.data)
        body.is_valid(raise_exception=True)
        wanted: dict[str, Any] = body.validated_data
        order = CashOutOrder(
            client_id=self.client.client_id,
            key=key,
            player_ref=wanted["player_id"],
            provider_code=wanted["provider"],
            reference=wanted["reference"],
        )
        content = {"operation": "POST /api/v1/cash-outs", "body": dict(wanted)}
        now = self.now
        return _answered(
            KeyedRequest(order.client_id, key, content),
            lambda: services.cash_out(order, now=now),
            now,
        )


def _answered(keyed: KeyedRequest, move: Callable[[], MoneyMoved], now: datetime) -> Response:
    return respond(services.answer_once(keyed, lambda: answer_about(move), now=now))
