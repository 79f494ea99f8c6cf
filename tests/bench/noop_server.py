"""A server that does nothing: what the load generator reaches on it is the generator's ceiling."""

import asyncio
import sys
from typing import cast, override

import uvloop

_BODY = (
    b'{"results":[{"event_id":"0123456789abcdef0123456789abcdef","status":"accepted",'
    b'"code":null,"balance":"999999.50"}]}'
)
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
    len(_BODY),
    _BODY,
)


class Noop(asyncio.Protocol):
    """Answers each request once it has come whole; the generator never sends two at once."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._tail = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.WriteTransport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        # A request ends with its JSON object; a GET, as the readiness probe sends, with its head.
        self._tail = (self._tail + data)[-4:]
        if self._transport is not None and self._tail.endswith((b"}", b"\r\n\r\n")):
            self._tail = b""
            self._transport.write(_ANSWER)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Noop, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
