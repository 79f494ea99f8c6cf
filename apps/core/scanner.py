"""The virus scanner: one file to clamd over its INSTREAM protocol, and a plain answer.

It fails closed. A scanner that is named and does not answer is not "clean": the caller keeps the
file apart until there is an answer. Only settings that say ``none`` go without one.
"""

import socket
import struct
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from apps.core.errors import ScannerUnavailableError

NO_SCANNER = "none"

_CHUNK_BYTES = 64 * 1024
_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 60
_MAX_ANSWER_BYTES = 4096
_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class ScanResult:
    """``found`` names what is in the file, and is empty where nothing is."""

    was_scanned: bool
    found: str = ""


def scan(data: bytes) -> ScanResult:
    """Ask the scanner about one file.

    Raises:
        ScannerUnavailableError: it is down, too slow, or did not judge the whole file.
    """
    address = settings.PITBOSS_VIRUS_SCANNER or NO_SCANNER
    if address == NO_SCANNER:
        return ScanResult(was_scanned=False)
    try:
        with _connect(address) as connection:
            has_all = _send(connection, data)
            answer = _answer(connection)
    except OSError as error:
        raise ScannerUnavailableError(str(error)) from error
    result = _read(answer)
    if not has_all and not result.found:
        raise ScannerUnavailableError(f"it answered before it had the whole file: {answer[:100]}")
    return result


def _send(connection: socket.socket, data: bytes) -> bool:
    """Send the file and tell whether the scanner took all of it.

    Over its size limit clamd answers and stops listening; the answer is still there.
    """
    connection.settimeout(_ANSWER_SECONDS)
    try:
        connection.sendall(b"zINSTREAM\0")
        for start in range(0, len(data), _CHUNK_BYTES):
            chunk = data[start : start + _CHUNK_BYTES]
            connection.sendall(_LENGTH.pack(len(chunk)) + chunk)
        connection.sendall(_LENGTH.pack(0))
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True


def _answer(connection: socket.socket) -> str:
    deadline = time.monotonic() + _ANSWER_SECONDS
    received = b""
    while not received.endswith(b"\0") and len(received) < _MAX_ANSWER_BYTES:
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        part = connection.recv(_MAX_ANSWER_BYTES)
        if not part:
            break
        received += part
    return received.rstrip(b"\0\n").decode("utf-8", errors="replace")


def _connect(address: str) -> socket.socket:
    place = urlsplit(address)
    if place.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(_CONNECT_SECONDS)
        try:
            connection.connect(place.path)
        except OSError:
            connection.close()
            raise
        return connection
    return socket.create_connection(
        (place.hostname or "127.0.0.1", place.port or 3310), timeout=_CONNECT_SECONDS
    )


def _read(answer: str) -> ScanResult:
    verdict = answer.removeprefix("stream: ")
    if verdict == "OK":
        return ScanResult(was_scanned=True)
    if verdict.endswith(" FOUND"):
        return ScanResult(was_scanned=True, found=verdict.removesuffix(" FOUND")[:200])
    # A size limit, an error, nothing at all: the file was not judged.
    raise ScannerUnavailableError(answer[:200] or "no answer")
