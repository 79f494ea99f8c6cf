"""HTTP as a provider speaks it: kept-alive connections, answers that may never come."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

NO_ANSWER: Final = (0, b"")
_MOST_IDLE: Final = 64

type Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Wire:
    """Connections to one address. A connection that fails is never used again."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._idle: list[Connection] = []

    async def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, *, seconds: float
    ) -> tuple[int, bytes]:
        """Send a request and return status and body; status 0 where no answer came in time."""
        connection: Connection | None = None
        try:
            async with asyncio.timeout(seconds):
                connection = await self._open()
                connection[1].write(self._request(method, target, headers, body))
                await connection[1].drain()
                answer = await _read(connection[0])
        except (OSError, EOFError, ValueError, TimeoutError):
            if connection is not None:
                connection[1].close()
            return NO_ANSWER
        self._keep(connection)
        return answer

    async def send_and_hang_up(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, *, after: float
    ) -> None:
        """Send a request and close the connection without reading what comes back."""
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(5):
                _, writer = await asyncio.open_connection(self._host, self._port)
                writer.write(self._request(method, target, headers, body))
                await writer.drain()
                await asyncio.sleep(after)
                writer.close()

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()

    async def _open(self) -> Connection:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(self._host, self._port)

    def _keep(self, connection: Connection) -> None:
        if len(self._idle) < _MOST_IDLE:
            self._idle.append(connection)
        else:
            connection[1].close()

    def _request(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
        lines = [f"{method} {target} HTTP/1.1", f"host: {self._host}:{self._port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"content-length: {len(body)}", "", ""]
        return "\r\n".join(lines).encode() + body


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status_line, *fields = head.split("\r\n")
    status = int(status_line.split()[1])
    for field in fields:
        name, _, value = field.partition(":")
        if name.lower() == "content-length":
            return status, await reader.readexactly(int(value))
    raise ValueError("an answer without its length")
