"""An S3-compatible server, as small as the tests need it: in memory, signed requests only."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import Any, Final, override
from urllib.parse import unquote, urlsplit

from tests.local_server import serving

_SHOWN: Final[tuple[str, ...]] = ("content-disposition", "cache-control", "content-type")


@dataclass
class Bucket:
    """What was stored, by path, with the headers it came with; ``is_away`` answers nothing."""

    address: str
    objects: dict[str, tuple[bytes, dict[str, str]]] = field(default_factory=dict)
    seen: list[tuple[str, str, bool]] = field(default_factory=list)
    is_away: bool = False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bucket: Bucket

    @override
    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "aws-chunked" in self.headers.get("Content-Encoding", ""):
            body = _unchunked(body)
        if self._refuses():
            return
        kept = {name.lower(): value for name, value in self.headers.items()}
        self.bucket.objects[self._key()] = (body, kept)
        tag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        self._answer(200, b"", {"ETag": f'"{tag}"'})

    def do_GET(self) -> None:
        self._read(with_body=True)

    def do_HEAD(self) -> None:
        self._read(with_body=False)

    def do_DELETE(self) -> None:
        if not self._refuses():
            self.bucket.objects.pop(self._key(), None)
            self._answer(204, b"", {})

    def _read(self, *, with_body: bool) -> None:
        if self._refuses():
            return
        if self._key() not in self.bucket.objects:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>" if with_body else b"", {})
            return
        body, kept = self.bucket.objects[self._key()]
        shown: dict[str, str] = {name: kept[name] for name in _SHOWN if name in kept}
        shown["Last-Modified"] = formatdate(0, usegmt=True)
        self._answer(200, body, shown, with_body=with_body)

    def _refuses(self) -> bool:
        """Refuse what carries no signature, as a private bucket does."""
        is_signed = self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 ")
        self.bucket.seen.append((self.command, self._key(), is_signed))
        if self.bucket.is_away or not is_signed:
            self._answer(503 if self.bucket.is_away else 403, b"", {})
            return True
        return False

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path)

    def _answer(
        self, status: int, body: bytes, headers: dict[str, str], *, with_body: bool = True
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)


def _unchunked(body: bytes) -> bytes:
    """Take the signed chunks of an upload apart: size, body, and so on to the empty one."""
    content = b""
    while body:
        head, _, body = body.partition(b"\r\n")
        size = int(head.split(b";")[0], 16)
        if size == 0:
            break
        content, body = content + body[:size], body[size + 2 :]
    return content


@contextmanager
def s3_server() -> Iterator[Bucket]:
    """Serve on a free port of this machine; leaving the context ends it."""
    handler: type[_Handler] = type("Handler", (_Handler,), {})
    with serving(handler) as address:
        handler.bucket = Bucket(address=address)
        yield handler.bucket
