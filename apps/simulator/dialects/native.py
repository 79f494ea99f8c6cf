"""The native round protocol (design 6.1): Standard Webhooks around events with a checksum."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, override

from apps.simulator.dialects.contract import (
    Answer,
    Dialect,
    Move,
    Request,
    RunKey,
    Step,
    Verdict,
    main_units,
    minor_units,
    with_changes,
)

_SUMMED: Final = (
    *("event_id", "player_id", "timestamp", "bet_amount", "win_amount", "currency"),
    *("game_code", "round_type", "balance_before", "balance_after"),
)
_VERDICTS: Final = {
    "accepted": Verdict.OK,
    "tentative": Verdict.OK,
    "duplicate": Verdict.REPEAT,
    "parked": Verdict.PARKED,
    "conflict": Verdict.REFUSED,
    "rejected": Verdict.REFUSED,
}


class Native(Dialect):
    """A stake is an event that doesn't finish its round, a win is one that may."""

    name: ClassVar[str] = "native"
    protocol: ClassVar[str] = "native"
    marks_repeats: ClassVar[bool] = True
    signature_header: ClassVar[str] = "webhook-signature"
    demands: ClassVar[Mapping[str, str]] = {
        "unknown_rollback": "ok",
        "late_stake": "ack",
        "transaction_scope": "provider",
        "win_after_close": "allow",
        "rollback_of_win": "receivable",
    }
    amount_field: ClassVar[str] = "bet_amount"
    win_field: ClassVar[str] = "win_amount"
    round_field: ClassVar[str] = "round_id"
    currency_field: ClassVar[str] = "currency"
    game_field: ClassVar[str] = "game_code"
    refusals: ClassVar[Mapping[str, frozenset[str]]] = {
        "insufficient_funds": frozenset({"insufficient_funds"}),
        "conflict": frozenset({"conflict"}),
        "wrong_currency": frozenset({"wrong_currency"}),
        "unknown_game": frozenset({"unknown_game"}),
        "session_expired": frozenset({"session_expired"}),
        "player_blocked": frozenset({"player_blocked"}),
        "self_excluded": frozenset({"player_blocked"}),
        "limit": frozenset({"limit_reached"}),
        "max_bet": frozenset({"max_bet"}),
        "round_closed": frozenset({"round_closed"}),
        "bad_amount": frozenset({"bad_amount"}),
    }

    @override
    def new_key(self) -> RunKey:
        return self.key_from("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())

    @override
    def key_from(self, stored: str) -> RunKey:
        return RunKey(stored, base64.b64decode(stored.removeprefix("whsec_")))

    @override
    def new_transaction(self) -> str:
        return "a-" + secrets.token_hex(10)

    @override
    def amount(self, minor: int, currency: str) -> str:
        return main_units(minor, currency)

    @override
    def below_smallest(self, minor: int, currency: str) -> str:
        return main_units(minor, currency) + "1"

    @property
    @override
    def malformed_amounts(self) -> tuple[Any, ...]:
        return ("1.005", "1e3", "+1", " 1", "01.0", "NaN", "", "1,50", 1, 1.5, None)

    @override
    def write(self, move: Move, *, key: RunKey, now: datetime) -> Request:
        seat, at = move.seat, move.at or now
        stake = move.amount_minor if move.step in {Step.STAKE, Step.PLAYED, Step.ROLLBACK} else 0
        if move.step == Step.STAKE and move.is_free:
            stake = 0
        win = move.win_minor if move.step == Step.PLAYED else 0
        if move.step in {Step.WIN, Step.REWARD}:
            win = move.amount_minor
        event: dict[str, Any] = {
            "event_id": move.tx_id,
            "round_id": move.round_id or move.tx_id,
            "player_id": seat.player_ref,
            "timestamp": at.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
            "bet_amount": main_units(stake, seat.currency),
            "win_amount": main_units(win, seat.currency),
            "currency": seat.currency,
            "game_code": seat.game_code,
            "round_type": _round_type(move),
            "balance_before": main_units(move.before_minor, seat.currency),
            "balance_after": main_units(_after(move, stake, win), seat.currency),
            "finalized": move.closes or move.step in {Step.PLAYED, Step.ROLLBACK, Step.REWARD},
        }
        if move.step == Step.ROLLBACK:
            event["reference_event_id"] = move.target_id
        if seat.session_token and move.step in {Step.STAKE, Step.PLAYED}:
            event["session_token"] = seat.session_token
        event = with_changes(move, event)
        values = [str(event.get(name)) for name in _SUMMED]
        values.append("true" if event.get("finalized") else "false")
        digest = hmac.new(key.signing, "|".join(values).encode(), hashlib.sha256)
        event.setdefault("checksum", digest.hexdigest())
        return Request("POST", "rounds", json.dumps(event, separators=(",", ":")).encode())

    @override
    def sign(self, request: Request, key: RunKey, *, now: datetime) -> dict[str, str]:
        message_id, stamp = "msg_" + secrets.token_hex(12), str(int(now.timestamp()))
        signed = f"{message_id}.{stamp}.".encode() + request.body
        digest = hmac.new(key.signing, signed, hashlib.sha256).digest()
        return {
            "webhook-id": message_id,
            "webhook-timestamp": stamp,
            "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        }

    @override
    def read(self, move: Move, status: int, body: bytes) -> Answer:
        try:
            content = json.loads(body)
        except ValueError:
            content = {}
        if status != 200:
            verdict = (
                Verdict.RETRYABLE if status in {408, 429} or status >= 500 else Verdict.REFUSED
            )
            if status == 401:
                verdict = Verdict.UNAUTHENTICATED
            return Answer(verdict, str(content.get("error", "")), None, status, "", body)
        result = content["results"][0]
        word = result["status"]
        code = result["code"] or ("conflict" if word == "conflict" else "")
        balance = minor_units(result["balance"], move.seat.currency)
        return Answer(_VERDICTS[word], code, balance, status, "", body)


def _after(move: Move, stake: int, win: int) -> int:
    if move.step == Step.ROLLBACK:
        return move.before_minor + stake
    return move.before_minor - stake + win


def _round_type(move: Move) -> str:
    if move.step == Step.ROLLBACK:
        return "rollback"
    if move.step == Step.REWARD:
        return "jackpot" if move.jackpot_minor else "bonus"
    return "free_spin" if move.is_free else "base"
