"""A provider's own wallet as a real HTTP server: honest, idempotent, and as slow as it is told."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from apps.core.money import format_minor, to_minor
from apps.providers.adapters.native.signing import verify
from apps.providers.contracts import WebhookKey
from tests.factories import MADE_AT
from tests.gateway.builders import NOW, ORDER_SECRET
from tests.local_server import QuietHandler, serving


@dataclass
class GameWallet:
    """What the provider holds per player, and each transfer it ever heard of.

    ``behave`` is asked first: ``"hang"`` does it and answers too late, ``"lose"`` doesn't do it and
    answers with an error, ``"refuse"`` says failed, ``"lie"`` answers nonsense.
    """

    url: str = ""
    behave: list[str] = field(default_factory=list)
    held_minor: dict[str, int] = field(default_factory=dict)
    transfers: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    message_ids: list[str] = field(default_factory=list)
    unsigned: int = 0
    secret: bytes = ORDER_SECRET

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.asked.append(path)
        manner = self.behave.pop(0) if self.behave else ""
        if manner == "lose":
            return 503, {}
        answer = self._answer(path, body, is_refused=manner == "refuse")
        if manner == "lie":
            answer = {"transaction_id": "another", "status": "confirmed"}
        if manner == "hang":
            time.sleep(1.0)
        return 200, answer

    def _answer(self, path: str, body: dict[str, Any], *, is_refused: bool) -> dict[str, str]:
        if path == "/balance":
            held = format_minor(self.held_minor.get(body["player_id"], 0), body["currency"])
            return {"balance": held, "currency": body["currency"]}
        if path == "/transfers/status":
            known = self.transfers.get(body["transaction_id"])
            return known or {"transaction_id": body["transaction_id"], "status": "not_found"}
        return self._transfer(body, is_refused=is_refused)

    def _transfer(self, body: dict[str, Any], *, is_refused: bool) -> dict[str, str]:
        public_id = body["transaction_id"]
        if public_id not in self.transfers:
            amount = to_minor(body["amount"], body["currency"])
            change = amount if body["direction"] == "in" else -amount
            held = self.held_minor.get(body["player_id"], 0)
            is_refused = is_refused or held + change < 0
            if not is_refused:
                self.held_minor[body["player_id"]] = held + change
            self.transfers[public_id] = {
                "transaction_id": public_id,
                "status": "failed" if is_refused else "confirmed",
                "code": "no_funds" if is_refused else "ok",
            }
        return self.transfers[public_id]


@contextmanager
def served(wallet: GameWallet) -> Iterator[GameWallet]:
    class Handler(QuietHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            key = WebhookKey("o-1", wallet.secret, MADE_AT, None)
            if verify([key], headers, body, now=NOW, tolerance_seconds=86_400) is None:
                wallet.unsigned += 1
            wallet.message_ids.append(headers["webhook-id"])
            status, answer = wallet.answer(self.path, json.loads(body))
            with suppress(OSError):  # the caller waited no longer
                self.reply(status, json.dumps(answer).encode())

    with serving(Handler) as wallet.url:
        yield wallet
