"""A client of the operator's API, and a casino for it to talk about."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.test import Client
from django.utils import timezone

from apps.operator_api import services
from apps.operator_api.enums import Scope
from apps.players.models import Player
from apps.wallet.contracts import House, PlayerPot, TransferRequest
from apps.wallet.enums import Pot, TransferKind
from apps.wallet.selectors import balances
from apps.wallet.services.ledger import open_accounts, post_transfers
from tests.factories import make_cover, make_game, make_player, make_provider
from tests.operator_api.contract import require_documented

NOW = datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC)
ALL = tuple(Scope.values)


@dataclass(frozen=True)
class Api:
    """Calls as a server of the operator would; answers are (status, JSON)."""

    token: str

    def call(
        self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: Any
    ) -> tuple[int, Any]:
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        response = Client().generic(
            method,
            f"/api/v1/{path}",
            content,
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.token}", **headers},
        )
        answer = json.loads(response.content) if response.content else None
        require_documented(method, f"/api/v1/{path}", response.status_code, answer)
        return response.status_code, answer

    def get(self, path: str) -> tuple[int, Any]:
        return self.call("GET", path)

    def post(self, path: str, body: Any, **headers: Any) -> tuple[int, Any]:
        return self.call("POST", path, body, **headers)

    def put(self, path: str, body: Any) -> tuple[int, Any]:
        return self.call("PUT", path, body)

    def delete(self, path: str) -> tuple[int, Any]:
        return self.call("DELETE", path)

    def pay(self, key: str, **changes: Any) -> tuple[int, Any]:
        body = {"player_id": "p-1001", "kind": "deposit", "amount": "25.00", "currency": "EUR"}
        return self.post("transfers", {**body, **changes}, **{"Idempotency-Key": key})

    def open(self, **changes: Any) -> tuple[int, Any]:
        body = {"player_id": "p-1001", "provider": "aurora", "game": "aurora-reef"}
        return self.post("sessions", {**body, **changes})


def make_api(scopes: tuple[str, ...] = ALL, *, name: str = "Casino backend") -> Api:
    """Make a client with a token that lives for a month from when the test takes place."""
    made_by: dict[str, Any] = {"acting_user": None, "reason": "For a test.", "now": timezone.now()}
    client_id = services.create_client(name=name, scopes=scopes, **made_by)
    return Api(services.issue_token(client_id=client_id, days=30, **made_by).secret)


def make_casino(*, cash_minor: int = 10_000) -> Player:
    """Make a covered game and a verified player with cash."""
    make_cover(make_game(make_provider()))
    return make_rich_player("p-1001", cash_minor=cash_minor)


def make_rich_player(player_ref: str, *, cash_minor: int) -> Player:
    player = make_player(player_ref)
    open_accounts([(player.pk, player.currency)])
    if cash_minor:
        opening = TransferRequest(
            idempotency_key=f"opening:{player_ref}",
            debit=House("deposits"),
            credit=PlayerPot(player.pk, Pot.CASH),
            amount_minor=cash_minor,
            currency=player.currency,
            kind=TransferKind.OPENING_BALANCE,
            subject=f"player:{player_ref}",
            occurred_at=NOW,
        )
        post_transfers([opening], now=NOW)
    return player


def cash_of(player: Player) -> int:
    return balances(player.pk)[Pot.CASH]
