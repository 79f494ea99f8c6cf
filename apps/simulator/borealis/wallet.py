"""Wallets that players have at the provider itself: money comes and goes by signed order.

Three questions, as Pitboss asks them (``apps/wallet/transfer_api.py``): move it once, what became
of it, what is there. Written apart from it on purpose, as the signing is. The balance that an order
moves is the one that rounds are played from.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from apps.core.errors import InvalidAmountError
from apps.core.money import format_minor, to_minor
from apps.simulator.borealis.signing import signature
from apps.simulator.borealis.store import Store
from apps.simulator.errors import BadOrderError, OtherOrderError, UnsignedOrderError

PATHS: Final = ("/transfers", "/transfers/status", "/balance")
LATE_SECONDS: Final = 12.0
"""Longer than anybody waits for an answer."""
_SKEW_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class WalletAnswer:
    """What is said, and how long it is kept back."""

    document: dict[str, str]
    after_seconds: float = 0.0


class GameWallet:
    """What players hold at the provider. ``callback_url`` and ``secret`` are for what they play."""

    def __init__(
        self,
        store: Store,
        *,
        callback_url: str,
        secret: bytes,
        order_secret: bytes,
        late_seconds: float = LATE_SECONDS,
    ) -> None:
        self.store = store
        self.callback_url = callback_url
        self.secret = secret
        self._order_secret = order_secret
        self._late_seconds = late_seconds
        self._late_answers = 0

    def answer_late(self, times: int) -> None:
        """Obey the next transfer orders, but answer them when nobody waits any more."""
        self._late_answers = times

    def answer(
        self, path: str, headers: Mapping[str, str], body: bytes, *, now_seconds: int
    ) -> WalletAnswer:
        """Answer one signed order or question.

        Raises:
            UnsignedOrderError: nobody we know signed it, or not now.
            BadOrderError: it is signed and still makes no sense.
            OtherOrderError: this transaction was asked for before, and otherwise.
        """
        self._require_signed(headers, body, now_seconds)
        order = _Order.read(body)
        if path == "/balance":
            return WalletAnswer(self._balance(order))
        if order.text("transaction_id") != headers["webhook-id"]:
            raise BadOrderError("webhook-id is the transaction's id.")
        if path == "/transfers/status":
            return WalletAnswer(self._status(order))
        return WalletAnswer(self._transfer(order), self._delay())

    def _require_signed(self, headers: Mapping[str, str], body: bytes, now_seconds: int) -> None:
        message_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        is_number = stamp.isascii() and stamp.isdigit() and len(stamp) <= 12
        if not message_id or not is_number or abs(int(stamp) - now_seconds) > _SKEW_SECONDS:
            raise UnsignedOrderError
        expected = signature(self._order_secret, message_id, int(stamp), body).encode()
        given = headers.get("webhook-signature", "").encode().split()
        if not any(hmac.compare_digest(one, expected) for one in given):
            raise UnsignedOrderError

    def _delay(self) -> float:
        if not self._late_answers:
            return 0.0
        self._late_answers -= 1
        return self._late_seconds

    def _balance(self, order: "_Order") -> dict[str, str]:
        currency = order.text("currency")
        held = self.store.balance(order.text("player_id"), currency)
        return {"balance": format_minor(held, currency), "currency": currency}

    def _status(self, order: "_Order") -> dict[str, str]:
        transaction_id = order.text("transaction_id")
        known = self.store.transfer(transaction_id)
        if known is None:
            return {"transaction_id": transaction_id, "status": "not_found", "code": ""}
        return {"transaction_id": transaction_id, "status": known.status, "code": known.code}

    def _transfer(self, order: "_Order") -> dict[str, str]:
        direction, currency = order.text("direction"), order.text("currency")
        if direction not in {"in", "out"}:
            raise BadOrderError("direction is in or out.")
        amount = order.amount(currency)
        kept = self.store.move_transfer(
            order.text("transaction_id"),
            player_id=order.text("player_id"),
            currency=currency,
            change_minor=amount if direction == "in" else -amount,
        )
        if kept is None:
            raise OtherOrderError(order.text("transaction_id"))
        return self._status(order)


@dataclass(frozen=True, slots=True)
class _Order:
    """The JSON of an order, every value a short text."""

    fields: dict[str, Any]

    @classmethod
    def read(cls, body: bytes) -> "_Order":
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise BadOrderError("The body is a JSON object.")
        return cls(document)

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        if not isinstance(value, str) or not 1 <= len(value) <= 128:
            raise BadOrderError(f"{name} is a text of 1 to 128 characters.")
        return value

    def amount(self, currency: str) -> int:
        try:
            amount = to_minor(self.text("amount"), currency)
        except InvalidAmountError as error:
            raise BadOrderError(str(error)) from error
        if amount <= 0:
            raise BadOrderError("amount is above zero.")
        return amount
