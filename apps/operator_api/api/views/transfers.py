import re
from datetime import datetime
from typing import Any, Final

from rest_framework import status
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import DomainError
from apps.operator_api import services
from apps.operator_api.api import rendering
from apps.operator_api.api.answers import TransferAnswer
from apps.operator_api.api.problems import problem_of, status_of
from apps.operator_api.api.requests import TransferRequest
from apps.operator_api.api.schema import IDEMPOTENCY_KEY, documented
from apps.operator_api.api.views.base import OperatorView
from apps.operator_api.contracts import Answer, KeyedRequest, MoneyOrder
from apps.operator_api.enums import Scope

_KEY: Final = re.compile(r"[!-~]{1,128}")


class IdempotencyKeyMissingError(ParseError):
    default_detail = "Give an Idempotency-Key of 1 to 128 visible ASCII characters."
    default_code = "idempotency_key_missing"


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
        key = request.headers.get("Idempotency-Key", "")
        if not _KEY.fullmatch(key):
            raise IdempotencyKeyMissingError
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
        answer = services.answer_once(
            KeyedRequest(order.client_id, key, content), lambda: _answer(order, now), now=now
        )
        headers = {"Idempotency-Replayed": "true"} if answer.is_repeat else None
        return Response(answer.body, status=answer.status, headers=headers)


def _answer(order: MoneyOrder, now: datetime) -> Answer:
    """Move the money and write the answer; what speaks against it by now is an answer as well.

    A request that was wrong in itself, or that names nobody, keeps no key: it can be corrected.
    """
    try:
        moved = services.move_money(order, now=now)
    except DomainError as refusal:
        if status_of(refusal) != status.HTTP_409_CONFLICT:
            raise
        return Answer(status_of(refusal), problem_of(refusal))
    return Answer(status.HTTP_201_CREATED, dict(TransferAnswer(rendering.transfer(moved)).data))
