"""The reference provider's own wallets: money moves once, by signed order, and is played from."""

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from apps.providers.adapters.native.signing import sign
from apps.simulator.borealis.app import ProviderApp
from apps.simulator.borealis.home import ProviderHome, open_wallet_home
from apps.simulator.borealis.signing import secret_bytes
from apps.simulator.borealis.store import Store
from apps.simulator.borealis.wallet import GameWallet

ORDER = {
    "transaction_id": "t-1",
    "direction": "in",
    "player_id": "p-1001",
    "amount": "30.00",
    "currency": "AUD",
}


@pytest.fixture
def home(tmp_path: Path) -> ProviderHome:
    return open_wallet_home(tmp_path / "wallet", base_url="http://127.0.0.1:8002")


@pytest.fixture
def wallet(home: ProviderHome) -> Iterator[GameWallet]:
    store = Store(home.state_file, secret=home.secret, seed=1, plants=False)
    yield GameWallet(
        store,
        callback_url="http://127.0.0.1:1/",
        secret=home.secret,
        order_secret=secret_bytes(home.order_secret),
    )
    store.close()


@pytest.fixture
def app(tmp_path: Path, wallet: GameWallet) -> Iterator[ProviderApp]:
    store = Store(tmp_path / "main.sqlite3", secret=b"main", seed=1)
    yield ProviderApp(
        store, callback_url="http://127.0.0.1:1/", secret=b"main", token="t", wallet=wallet
    )
    store.close()


def ask(app: ProviderApp, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://p") as client:
            return await client.post(path, content=body, headers=headers)

    answer = asyncio.run(post())
    return answer.status_code, answer.json()


def order(
    app: ProviderApp,
    home: ProviderHome,
    path: str = "/transfers",
    *,
    secret: bytes | None = None,
    age_seconds: int = 0,
    **changes: Any,
) -> tuple[int, Any]:
    """Ask as Pitboss does: signed by the product's own signer."""
    document: dict[str, Any] = {**ORDER, **changes}
    body = json.dumps(document).encode()
    stamp, message_id = str(int(time.time()) - age_seconds), document["transaction_id"]
    key = secret_bytes(home.order_secret) if secret is None else secret
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,AAAA {sign(key, message_id, stamp, body)}",
    }
    return ask(app, f"/wallet{path}", headers, body)


def held(app: ProviderApp, home: ProviderHome) -> str:
    answer = order(app, home, "/balance")[1]
    assert answer["currency"] == "AUD"
    return str(answer["balance"])


def test_money_comes_and_goes_once_per_transaction(app: ProviderApp, home: ProviderHome) -> None:
    confirmed = {"transaction_id": "t-1", "status": "confirmed", "code": "ok"}
    for _ in range(2):
        assert order(app, home) == (200, confirmed)
    assert held(app, home) == "30.00"
    assert order(app, home, "/transfers/status") == (200, confirmed)
    out: dict[str, Any] = {"transaction_id": "t-2", "direction": "out", "amount": "12.50"}
    assert order(app, home, **out)[1]["status"] == "confirmed"
    assert held(app, home) == "17.50"


def test_what_is_not_there_is_refused_for_good_and_moves_nothing(
    app: ProviderApp, home: ProviderHome
) -> None:
    order(app, home)
    too_much: dict[str, Any] = {"transaction_id": "t-2", "direction": "out", "amount": "30.01"}
    failed = {"transaction_id": "t-2", "status": "failed", "code": "no_funds"}
    assert order(app, home, **too_much) == (200, failed)
    order(app, home, transaction_id="t-3")
    assert order(app, home, **too_much) == (200, failed)
    other = order(app, home, transaction_id="t-4", currency="EUR")[1]
    assert (other["status"], other["code"]) == ("failed", "wrong_currency")
    assert held(app, home) == "60.00"


def test_a_status_of_what_was_never_asked_is_not_found(
    app: ProviderApp, home: ProviderHome
) -> None:
    unheard = {"transaction_id": "t-1", "status": "not_found", "code": ""}
    assert order(app, home, "/transfers/status") == (200, unheard)


def test_another_transfer_under_the_same_id_is_a_conflict(
    app: ProviderApp, home: ProviderHome
) -> None:
    order(app, home)
    assert order(app, home, amount="31.00")[0] == 409
    assert order(app, home, direction="out")[0] == 409
    assert held(app, home) == "30.00"


@pytest.mark.parametrize(
    "changes", [{"secret": b"another"}, {"age_seconds": 301}, {"age_seconds": -400}]
)
def test_an_order_that_is_not_signed_by_us_now_moves_nothing(
    app: ProviderApp, home: ProviderHome, changes: dict[str, Any]
) -> None:
    status, answer = order(app, home, **changes)
    assert (status, answer["error"]) == (401, "invalid_signature")
    headers = {"authorization": "Bearer t"}
    assert ask(app, "/wallet/transfers", headers, json.dumps(ORDER).encode())[0] == 401
    assert held(app, home) == "0.00"


@pytest.mark.parametrize(
    "changes",
    [{"amount": "0.00"}, {"amount": "-1.00"}, {"amount": "1.005"}, {"direction": "up"}],
)
def test_a_signed_order_that_makes_no_sense_is_refused(
    app: ProviderApp, home: ProviderHome, changes: dict[str, Any]
) -> None:
    status, answer = order(app, home, **changes)
    assert (status, answer["error"]) == (400, "bad_order")
    assert order(app, home, "/transfers/status")[1]["status"] == "not_found"


def test_rounds_are_played_from_what_was_moved_in_and_the_log_agrees(
    app: ProviderApp, home: ProviderHome, wallet: GameWallet
) -> None:
    at = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
    order(app, home, amount="500.00")
    wallet.store.play(40, day=at.date(), key="k", now=at)
    rows = wallet.store.db.execute("SELECT bet_minor, win_minor, status FROM events").fetchall()
    standing = [(bet, win) for bet, win, status in rows if status == "settled"]
    net = sum(win - bet for bet, win in standing)
    assert wallet.store.balance("p-1001", "AUD") == 50_000 + net
    assert wallet.store.db.execute("SELECT count(planted) FROM events").fetchone() == (0,)
    logged = wallet.store.db.execute("SELECT count(*) FROM log_rows").fetchone()
    assert logged == (len(rows),)
