"""How the product and the PDF worker talk: a length, JSON, and for a request the file's bytes."""

import json
import struct
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Request:
    """One file to vet, the roots to trust and the moment to judge at."""

    data: bytes
    trusted_pems: list[str]
    moment: datetime


def dump(payload: dict[str, Any]) -> bytes:
    body = json.dumps(payload, default=datetime.isoformat).encode()
    return _LENGTH.pack(len(body)) + body


def parse(frame: bytes) -> dict[str, Any] | None:
    """Return the payload of a whole frame; None of a frame that was cut off."""
    if len(frame) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack_from(frame)
    body = frame[_LENGTH.size :]
    if len(body) != length:
        return None
    payload: dict[str, Any] = json.loads(body)
    return payload


def write(stream: IO[bytes], payload: dict[str, Any]) -> None:
    stream.write(dump(payload))
    stream.flush()


def write_request(stream: IO[bytes], request: Request) -> None:
    header = {
        "size": len(request.data),
        "roots": request.trusted_pems,
        "moment": request.moment.isoformat(),
    }
    stream.write(dump(header) + request.data)
    stream.flush()


def read_request(stream: IO[bytes]) -> Request | None:
    """Return the next request; None when the other side has closed."""
    length = stream.read(_LENGTH.size)
    if len(length) < _LENGTH.size:
        return None
    header = json.loads(stream.read(_LENGTH.unpack(length)[0]))
    data = stream.read(header["size"])
    if len(data) != header["size"]:
        return None
    return Request(data, header["roots"], datetime.fromisoformat(header["moment"]))
