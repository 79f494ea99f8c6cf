"""The JSON of transfers with a provider's own wallet. Pure: bytes out, bytes in.

Three questions, each a POST below the provider's address, signed like its callbacks (Standard
Webhooks, the ``webhook-id`` being the transaction id):

* ``/transfers`` ``{transaction_id, direction, player_id, amount, currency}``: move it, once.
* ``/transfers/status`` ``{transaction_id}``: what became of it.
* ``/balance`` ``{player_id, currency}``: what the player's wallet holds there.

A transfer is answered with ``{transaction_id, status, code}``; ``status`` is ``confirmed``,
``failed`` or, to the status question, ``not_found``. Anything else decides nothing: we ask again.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from apps.core.errors import InvalidAmountError
from apps.core.money import format_minor, to_minor
from apps.wallet.contracts import GameTransferRef
from apps.wallet.errors import UnreadableAnswerError

TRANSFERS: Final = "/transfers"
STATUS: Final = "/transfers/status"
BALANCE: Final = "/balance"
MOST_BYTES: Final = 10_000
_LONGEST_CODE: Final = 48


class ProviderWord(StrEnum):
    """What a provider says became of a transfer."""

    CONFIRMED = "confirmed"
    FAILED = "failed"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class TransferAnswer:
    """A provider's word about one transfer; ``code`` is its own, for people."""

    word: ProviderWord
    code: str


def transfer_body(transfer: GameTransferRef) -> bytes:
    """Return the order, the same bytes at every attempt."""
    return _bytes(
        {
            "transaction_id": transfer.public_id,
            "direction": transfer.direction,
            "player_id": transfer.player_ref,
            "amount": format_minor(transfer.amount_minor, transfer.currency),
            "currency": transfer.currency,
        }
    )


def status_body(public_id: str) -> bytes:
    return _bytes({"transaction_id": public_id})


def balance_body(player_ref: str, currency: str) -> bytes:
    return _bytes({"player_id": player_ref, "currency": currency})


def read_transfer_answer(body: bytes, public_id: str) -> TransferAnswer:
    """Read what a provider says about a transfer.

    Raises:
        UnreadableAnswerError: not JSON, about another transfer, or a status nobody agreed on.
    """
    answer = _object(body)
    if answer.get("transaction_id") != public_id:
        raise UnreadableAnswerError("The answer is about another transfer.")
    try:
        word = ProviderWord(answer.get("status", ""))
    except ValueError:
        raise UnreadableAnswerError(
            f"The status {answer.get('status')!r:.60} is not known."
        ) from None
    return TransferAnswer(word, _shown(str(answer.get("code") or "")))


def read_balance_answer(body: bytes, currency: str) -> int:
    """Return the balance a provider states, in minor units.

    Raises:
        UnreadableAnswerError: not JSON, another currency, or no amount of it.
    """
    answer = _object(body)
    if answer.get("currency") != currency:
        raise UnreadableAnswerError("The balance is in another currency.")
    try:
        return to_minor(answer.get("balance", ""), currency)
    except InvalidAmountError as error:
        raise UnreadableAnswerError(str(error)) from None


def _shown(code: str) -> str:
    """Return what can be stored and read of a provider's text, which must not undo its word."""
    return "".join(char for char in code if " " <= char <= "~")[:_LONGEST_CODE]


def _bytes(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _object(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise UnreadableAnswerError("The answer is not JSON.") from None
    if not isinstance(answer, dict):
        raise UnreadableAnswerError("The answer is not a JSON object.")
    return answer
