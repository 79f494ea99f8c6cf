"""Hub88's side of its Operator API, and Caleta's, which speaks the same language with an accent."""

import base64
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Final, override
from uuid import uuid4

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from apps.simulator.dialects.contract import (
    Answer,
    Dialect,
    Move,
    Request,
    RunKey,
    Step,
    Verdict,
    decimals_of,
    with_changes,
)

SCALE: Final = 5
"""Amounts are whole numbers of 1/100,000 of the main unit."""
_OPEN_ENDED: Final = frozenset({"RS_ERROR_UNKNOWN", "RS_ERROR_TIMEOUT"})


class Hub88(Dialect):
    """Whatever it can't understand, it rolls back; a definite refusal it takes as final."""

    name: ClassVar[str] = "hub88"
    protocol: ClassVar[str] = "hub88"
    marks_repeats: ClassVar[bool] = False
    signature_header: ClassVar[str] = "x-hub88-signature"
    demands: ClassVar[Mapping[str, str]] = {
        "unknown_rollback": "ok",
        "transaction_scope": "provider",
        "game_change": "allow",
    }
    amount_field: ClassVar[str] = "amount"
    round_field: ClassVar[str] = "round"
    currency_field: ClassVar[str] = "currency"
    game_field: ClassVar[str] = "game_code"
    paths: ClassVar[Mapping[Step, str]] = {
        Step.BALANCE: "user/balance",
        Step.STAKE: "transaction/bet",
        Step.WIN: "transaction/win",
        Step.REWARD: "transaction/win",
        Step.ROLLBACK: "transaction/rollback",
    }
    refusals: ClassVar[Mapping[str, frozenset[str]]] = {
        "insufficient_funds": frozenset({"RS_ERROR_NOT_ENOUGH_MONEY"}),
        "conflict": frozenset({"RS_ERROR_DUPLICATE_TRANSACTION"}),
        "wrong_currency": frozenset({"RS_ERROR_WRONG_CURRENCY"}),
        "unknown_game": frozenset({"RS_ERROR_INVALID_GAME"}),
        "session_expired": frozenset({"RS_ERROR_TOKEN_EXPIRED"}),
        "unknown_session": frozenset({"RS_ERROR_INVALID_TOKEN"}),
        "player_blocked": frozenset({"RS_ERROR_USER_DISABLED"}),
        "self_excluded": frozenset({"RS_ERROR_USER_DISABLED"}),
        "limit": frozenset({"RS_ERROR_LIMIT_REACHED"}),
        "max_bet": frozenset({"RS_ERROR_LIMIT_REACHED"}),
        "unknown_bet": frozenset({"RS_ERROR_TRANSACTION_DOES_NOT_EXIST"}),
        "bet_rolled_back": frozenset({"RS_ERROR_TRANSACTION_DOES_NOT_EXIST"}),
        "bad_amount": frozenset({"RS_ERROR_WRONG_SYNTAX", "RS_ERROR_WRONG_TYPES"}),
    }

    @override
    def new_key(self) -> RunKey:
        private = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        pem = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return self.key_from(pem.decode())

    @override
    def key_from(self, stored: str) -> RunKey:
        """Read a private key in PEM; what the operator stores is its public half."""
        private = _private_key(stored)
        public = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return RunKey(public.decode(), private)

    @override
    def new_transaction(self) -> str:
        return str(uuid4())

    @override
    def new_round(self) -> str:
        return secrets.token_urlsafe(12).replace("-", "a").replace("_", "b")

    @override
    def amount(self, minor: int, currency: str) -> int:
        return minor * int(10 ** (SCALE - decimals_of(currency)))

    @override
    def below_smallest(self, minor: int, currency: str) -> int:
        return self.amount(minor, currency) + 1

    @property
    @override
    def malformed_amounts(self) -> tuple[Any, ...]:
        return ("150000", 150000.5, 1e5, "1.50", None, True, [150000], {})

    @override
    def write(self, move: Move, *, key: RunKey, now: datetime) -> Request:
        seat = move.seat
        content: dict[str, Any] = {
            **self._player(move),
            "token": seat.session_id,
            "request_uuid": str(uuid4()),
        }
        if move.step == Step.BALANCE:
            content["game_code"] = seat.game_code
        else:
            content |= {
                "transaction_uuid": move.tx_id,
                "round": move.round_id,
                "round_closed": move.closes,
                "game_code": seat.game_code,
            }
        if move.step in {Step.STAKE, Step.WIN, Step.REWARD}:
            content |= {
                "amount": self.amount(move.amount_minor, seat.currency),
                "currency": seat.currency,
                "is_free": move.is_free,
                "is_aggregated": False,
            }
        content |= _of_win(move)
        if move.step in {Step.WIN, Step.ROLLBACK, Step.REWARD} and move.target_id:
            content["reference_transaction_uuid"] = move.target_id
        body = json.dumps(with_changes(move, content)).encode()
        return Request("POST", self.paths[move.step], body)

    @override
    def sign(self, request: Request, key: RunKey, *, now: datetime) -> dict[str, str]:
        signature = key.signing.sign(request.body, padding.PKCS1v15(), hashes.SHA256())
        return {self.signature_header: base64.b64encode(signature).decode()}

    @override
    def read(self, move: Move, status: int, body: bytes) -> Answer:
        try:
            content = json.loads(body)
            word = content["status"]
        except (ValueError, KeyError, TypeError):
            verdict = Verdict.UNAUTHENTICATED if status == 401 else Verdict.RETRYABLE
            return Answer(verdict, f"HTTP {status}", None, status, "", body)
        balance = self._minor(content.get("balance"), move.seat.currency)
        if word == "RS_OK":
            return Answer(Verdict.OK, "", balance, status, "", body)
        verdict = Verdict.RETRYABLE if word in _OPEN_ENDED else Verdict.REFUSED
        if word == "RS_ERROR_INVALID_SIGNATURE":
            verdict = Verdict.UNAUTHENTICATED
        return Answer(verdict, word, balance, status, "", body)

    def _player(self, move: Move) -> dict[str, Any]:
        return {"user": move.seat.player_ref, "supplier_user": f"hub88_{move.seat.player_ref}"}

    def _minor(self, balance: object, currency: str) -> int | None:
        unit = int(10 ** (SCALE - decimals_of(currency)))
        if not isinstance(balance, int) or isinstance(balance, bool) or balance % unit:
            return None
        return balance // unit


class Caleta(Hub88):
    """Caleta's dialect (OpenAPI 1.5): other paths and header, and a player known by the token."""

    name: ClassVar[str] = "caleta"
    signature_header: ClassVar[str] = "x-auth-signature"
    paths: ClassVar[Mapping[Step, str]] = {
        Step.BALANCE: "wallet/balance",
        Step.STAKE: "wallet/bet",
        Step.WIN: "wallet/win",
        Step.REWARD: "wallet/win",
        Step.ROLLBACK: "wallet/rollback",
    }
    refusals: ClassVar[Mapping[str, frozenset[str]]] = {
        **Hub88.refusals,
        "limit": frozenset({"RS_ERROR_BET_LIMIT_EXCEEDED", "RS_ERROR_LIMIT_REACHED"}),
        "max_bet": frozenset({"RS_ERROR_BET_LIMIT_EXCEEDED", "RS_ERROR_LIMIT_REACHED"}),
        "bet_rolled_back": frozenset({"RS_ERROR_TRANSACTION_ROLLED_BACK"}),
    }

    @override
    def _player(self, move: Move) -> dict[str, Any]:
        if move.step == Step.ROLLBACK:
            return {}
        return {"supplier_user": move.seat.player_ref}


def _of_win(move: Move) -> dict[str, Any]:
    if move.step not in {Step.WIN, Step.REWARD}:
        return {}
    content: dict[str, Any] = {}
    if move.jackpot_minor:
        content["jackpot_win"] = move.jackpot_minor * int(
            10 ** (SCALE - decimals_of(move.seat.currency))
        )
    if move.step == Step.REWARD:
        content["is_supplier_promo"] = True
    if move.campaign:
        content["reward_uuid"] = move.campaign
    return content


@cache
def _private_key(pem: str) -> rsa.RSAPrivateKey:
    loaded = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(loaded, rsa.RSAPrivateKey):
        raise TypeError("Hub88 signs with RSA.")
    return loaded
