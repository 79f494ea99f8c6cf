"""The process that opens PDFs: one fork per file, each with hard limits, no secrets, no database.

Run as ``python -m apps.providers.pdf.worker``; it reads requests from stdin and answers on stdout
(``frames``). The parsers are loaded once here and inherited by each fork, so a file costs
milliseconds; a file that kills its fork, or makes it slow or large, is refused and harms nothing
else.
"""

import hashlib
import logging
import os
import select
import signal
import sys
import time
from dataclasses import asdict
from datetime import datetime
from typing import IO, Any

from apps.providers.pdf import frames
from apps.providers.pdf.contracts import Refusal, VettedPdf
from apps.providers.pdf.isolated import restrict
from apps.providers.pdf.places import find_places
from apps.providers.pdf.safety import frame_refusals, object_refusals
from apps.providers.pdf.signatures import check_signatures
from apps.providers.pdf.text import extract_text, stated_facts

_WALL_SECONDS = 20


def vet(data: bytes, trusted_pems: list[str], moment: datetime) -> VettedPdf:
    """Judge one file: frame, objects, signatures, text, in this order; a refusal ends it."""
    digest = hashlib.sha256(data).hexdigest()
    refusals = frame_refusals(data)
    if refusals:
        return VettedPdf(digest, len(data), tuple(refusals))
    refusals, walk = object_refusals(data)
    if refusals or walk is None:
        return VettedPdf(digest, len(data), tuple(refusals))
    text = extract_text(data)
    return VettedPdf(
        sha256=digest,
        size_bytes=len(data),
        page_count=walk.page_count,
        link_count=walk.link_count,
        signature=check_signatures(data, trusted_pems, moment),
        text=text,
        places=find_places(data, stated_facts(text).quotes),
    )


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer each request until stdin closes."""
    while (request := frames.read_request(requests)) is not None:
        answer = _vet_in_fork(request)
        frames.write(answers, answer)


def _vet_in_fork(request: frames.Request) -> dict[str, Any]:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _child(request, writer)
    os.close(writer)
    answer = _read_until(reader, deadline=time.monotonic() + _WALL_SECONDS)
    os.close(reader)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    parsed = frames.parse(answer)
    return parsed if parsed is not None else _over_limit(request.data)


def _child(request: frames.Request, writer: int) -> None:
    # Whatever happens, the fork ends here: it must never fall back into the parent's loop.
    try:
        restrict()
        verdict = vet(request.data, request.trusted_pems, request.moment)
        with os.fdopen(writer, "wb") as stream:
            stream.write(frames.dump(asdict(verdict)))
    finally:
        os._exit(0)


def _read_until(reader: int, *, deadline: float) -> bytes:
    chunks = []
    while (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select([reader], [], [], left)
        if not ready:
            break
        chunk = os.read(reader, 1 << 16)
        if not chunk:
            break
        chunks.append(chunk)
    return b"".join(chunks)


def _over_limit(data: bytes) -> dict[str, Any]:
    refusal = Refusal(
        "too_expensive",
        "Checking the file took more memory or time than a certificate may need.",
    )
    return asdict(VettedPdf(hashlib.sha256(data).hexdigest(), len(data), (refusal,)))


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    serve(sys.stdin.buffer, sys.stdout.buffer)
