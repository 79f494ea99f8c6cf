"""A provider's payload API as a real HTTP server: it answers for what it knows."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.local_server import QuietHandler, serving

TOKEN = "export-token"


@dataclass
class PayloadApi:
    """``known`` holds the event ids that it still answers for; ``asked`` what came, in order."""

    url: str = ""
    known: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str, authorization: str) -> tuple[int, dict[str, str]]:
        event_id = path.rsplit("/", 1)[-1]
        self.asked.append(event_id)
        if authorization != f"Bearer {TOKEN}":
            return 401, {}
        if event_id not in self.known:
            return 404, {"error": "unknown_event"}
        return 200, {"event_id": event_id}


@contextmanager
def served(api: PayloadApi) -> Iterator[PayloadApi]:
    class Handler(QuietHandler):
        def do_GET(self) -> None:
            status, answer = api.answer(self.path, self.headers.get("authorization", ""))
            self.reply(status, json.dumps(answer).encode())

    with serving(Handler) as address:
        api.url = f"{address}/rounds"
        yield api
