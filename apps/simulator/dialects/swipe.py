"""Swipe Games' side of its Public API 1.7.5: canonical JSON, decimal strings, HMAC in hex."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, override
from urllib.parse import urlencode
from uuid import uuid4

from apps.simulator.dialects.contract import (
    Answer,
    Closing,
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


class Swipe(Dialect):
    """Each round gets one win, 0 for a lost one; only a time-out or a 500 makes it refund."""

    name: ClassVar[str] = "swipe"
    protocol: ClassVar[str] = "swipe"
    marks_repeats: ClassVar[bool] = False
    signature_header: ClassVar[str] = "x-request-sign"
    demands: ClassVar[Mapping[str, str]] = {
        "unknown_rollback": "ok",
        "transaction_scope": "provider",
        "round_scope": "game",
        "free_rounds": "tracking",
    }
    closing: ClassVar[Closing] = Closing.WIN
    amount_field: ClassVar[str] = "amount"
    round_field: ClassVar[str] = "roundID"
    refusals: ClassVar[Mapping[str, frozenset[str]]] = {
        "insufficient_funds": frozenset({"insufficient_funds"}),
        "session_expired": frozenset({"session_expired"}),
        "unknown_session": frozenset({"session_not_found"}),
        "player_blocked": frozenset({"account_blocked"}),
        "self_excluded": frozenset({"account_blocked"}),
        "limit": frozenset({"loss_limit", "bet_limit", "time_limit"}),
        "max_bet": frozenset({"bet_limit"}),
    }

    @override
    def new_key(self) -> RunKey:
        return self.key_from(secrets.token_hex(32))

    @override
    def key_from(self, stored: str) -> RunKey:
        return RunKey(stored, stored.encode())

    @override
    def new_transaction(self) -> str:
        return str(uuid4())

    @override
    def new_round(self) -> str:
        return str(uuid4())

    @override
    def amount(self, minor: int, currency: str) -> str:
        return main_units(minor, currency)

    @override
    def below_smallest(self, minor: int, currency: str) -> str:
        return main_units(minor, currency) + "1"

    @property
    @override
    def malformed_amounts(self) -> tuple[Any, ...]:
        return ("1.005", "1e3", "+1", " 1", "01.0", ".5", "1.", "NaN", "", 1, 1.5, None)

    @override
    def write(self, move: Move, *, key: RunKey, now: datetime) -> Request:
        if move.step == Step.BALANCE:
            query = with_changes(move, {"sessionID": move.seat.session_id})
            return Request("GET", "balance", b"", urlencode(query), _canonical(query))
        content: dict[str, Any] = {
            "sessionID": move.seat.session_id,
            "amount": main_units(move.amount_minor, move.seat.currency),
            "txID": move.tx_id,
            "roundID": move.round_id,
        }
        if move.step == Step.ROLLBACK:
            content["origTxID"] = move.target_id
        else:
            content["type"] = "free" if move.is_free else "regular"
        if move.campaign:
            content["frID"] = move.campaign
        path = {Step.STAKE: "bet", Step.ROLLBACK: "refund"}.get(move.step, "win")
        return Request("POST", path, _canonical(with_changes(move, content)))

    @override
    def sign(self, request: Request, key: RunKey, *, now: datetime) -> dict[str, str]:
        text = request.body if request.signed_text is None else request.signed_text
        return {"x-request-sign": hmac.new(key.signing, text, hashlib.sha256).hexdigest()}

    @override
    def read(self, move: Move, status: int, body: bytes) -> Answer:
        """A 200 without a valid body is no success: the provider can't show a balance."""
        try:
            content = json.loads(body)
        except ValueError:
            content = {}
        if status == 200:
            balance = minor_units(content.get("balance"), move.seat.currency)
            our_id = str(content.get("txID", ""))
            if balance is None or (move.step != Step.BALANCE and not our_id):
                return Answer(Verdict.RETRYABLE, "no valid body", None, 200, our_id, body)
            return Answer(Verdict.OK, "", balance, status, our_id, body)
        verdict = Verdict.REFUSED
        if status == 401:
            verdict = Verdict.UNAUTHENTICATED
        elif status >= 500 or status in {408, 429}:
            verdict = Verdict.RETRYABLE
        return Answer(verdict, str(content.get("code", "")), None, status, "", body)


def _canonical(content: Mapping[str, Any]) -> bytes:
    """Return RFC 8785 text; for ASCII names and strings it is sorted JSON without spaces."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
