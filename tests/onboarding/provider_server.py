"""A provider's payload API as a real HTTP server: it answers for what it knows."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, override

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
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, answer = api.answer(self.path, self.headers.get("authorization", ""))
            payload = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        @override
        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_address[1]}/rounds"
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
