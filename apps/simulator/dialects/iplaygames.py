"""iPlayGames' side (SDK 1.0.2): one address, a type in the body, whole cents, HMAC in hex."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, override

from apps.simulator.dialects.contract import (
    Answer,
    Closing,
    Dialect,
    Move,
    Request,
    RunKey,
    Step,
    Verdict,
    with_changes,
)

_TYPES: Final = {
    Step.BALANCE: "balance_check",
    Step.STAKE: "bet",
    Step.WIN: "win",
    Step.REWARD: "reward",
    Step.ROLLBACK: "rollback",
}


class IPlayGames(Dialect):
    """Whole numbers for transactions and games; a rollback carries the id of what it takes back.

    The SDK doesn't say whether a rollback's ``transaction_id`` is its own or its target's. This
    provider sends its target's; ``IPlayGamesOwn`` is the other one.
    """

    name: ClassVar[str] = "iplaygames"
    protocol: ClassVar[str] = "iplaygames"
    marks_repeats: ClassVar[bool] = True
    signature_header: ClassVar[str] = "x-signature"
    closing: ClassVar[Closing] = Closing.NEVER
    game_codes: ClassVar[tuple[str, str]] = ("990001", "990002")
    uncovered_game: ClassVar[str] = "990003"
    amount_field: ClassVar[str] = "amount"
    round_field: ClassVar[str] = "round_id"
    currency_field: ClassVar[str] = "currency"
    game_field: ClassVar[str] = "game_id"
    refusals: ClassVar[Mapping[str, frozenset[str]]] = {
        "insufficient_funds": frozenset({"INSUFFICIENT_FUNDS"}),
        "unknown_player": frozenset({"PLAYER_NOT_FOUND"}),
    }

    @override
    def new_key(self) -> RunKey:
        return self.key_from(secrets.token_hex(32))

    @override
    def key_from(self, stored: str) -> RunKey:
        return RunKey(stored, stored.encode())

    @override
    def new_transaction(self) -> str:
        return str(secrets.randbelow(2**52) + 1)

    def number_of_rollback(self, move: Move) -> str:
        """Return the one number that a rollback carries."""
        return move.target_id

    @override
    def amount(self, minor: int, currency: str) -> int:
        return minor

    @override
    def below_smallest(self, minor: int, currency: str) -> None:
        """Whole cents can't be finer than the currency."""

    @property
    @override
    def malformed_amounts(self) -> tuple[Any, ...]:
        return ("150", 1.5, 1e2, "1.50", None, True, [150], {})

    @override
    def write(self, move: Move, *, key: RunKey, now: datetime) -> Request:
        seat = move.seat
        content: dict[str, Any] = {
            "type": _TYPES[move.step],
            "player_id": seat.player_ref,
            "currency": seat.currency,
            "game_id": int(seat.game_code),
            "game_type": "slot",
            "session_id": seat.session_id,
            "timestamp": (move.at or now).astimezone(UTC).isoformat(timespec="seconds")[:-6] + "Z",
        }
        if move.step != Step.BALANCE:
            number = self.number_of_rollback(move) if move.step == Step.ROLLBACK else move.tx_id
            content |= {
                "transaction_id": int(number),
                "amount": move.amount_minor,
                "round_id": move.round_id,
            }
        if move.is_free:
            content |= {
                "is_freespin_round": True,
                "bonus_id": move.campaign or "fs_1",
                "freespin_total": 10,
                "freespin_left": 0,
                "freespin_round_number": 10,
                "freespin_total_winnings": 12.5,
            }
        if move.step == Step.REWARD:
            content |= {"reward_type": "tournament", "reward_title": "Acceptance cup"}
            del content["round_id"]
        body = json.dumps(with_changes(move, content), separators=(",", ":")).encode()
        return Request("POST", "webhook", body)

    @override
    def sign(self, request: Request, key: RunKey, *, now: datetime) -> dict[str, str]:
        digest = hmac.new(key.signing, request.body, hashlib.sha256)
        return {"x-signature": digest.hexdigest()}

    @override
    def read(self, move: Move, status: int, body: bytes) -> Answer:
        """The SDK names two codes; another one, or none, leaves open what happened."""
        try:
            content = json.loads(body)
            word = content.get("status")
        except (ValueError, AttributeError):
            content, word = {}, None
        raw = content.get("balance")
        balance = raw if isinstance(raw, int) and not isinstance(raw, bool) else None
        if word == "success" and status == 200:
            verdict = Verdict.REPEAT if content.get("already_processed") is True else Verdict.OK
            return Answer(verdict, "", balance, status, "", body)
        verdict = Verdict.RETRYABLE
        if status == 401:
            verdict = Verdict.UNAUTHENTICATED
        elif word == "error" and status < 500:
            verdict = Verdict.REFUSED
        return Answer(verdict, str(content.get("error_code", "")), balance, status, "", body)


class IPlayGamesOwn(IPlayGames):
    """A rollback carries a number of its own, and the round whose bet it takes back."""

    name: ClassVar[str] = "iplaygames-own"
    demands: ClassVar[Mapping[str, str]] = {"rollback_number": "own"}

    @override
    def number_of_rollback(self, move: Move) -> str:
        return move.tx_id
