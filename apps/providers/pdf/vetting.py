"""The product's side of the PDF worker: start it, hand it files, get verdicts."""

import contextlib
import hashlib
import os
import select
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from apps.core.errors import DomainError
from apps.core.sizes import display_size
from apps.providers.pdf import frames
from apps.providers.pdf.contracts import (
    MAX_BYTES,
    Place,
    Refusal,
    SignatureReport,
    SignatureVerdict,
    VettedPdf,
)
from apps.providers.pdf.isolated import bare_environment

_ROOT = Path(__file__).resolve().parents[3]
# The worker stops a file after 20 s of its own accord; this is for a worker that hangs itself.
_ANSWER_SECONDS = 40


class PdfCheckerUnavailableError(DomainError):
    """The worker died or hung; nothing may be taken until it answers."""

    code = "pdf_checker_unavailable"

    def __init__(self) -> None:
        super().__init__("The PDF checker does not answer; no document was taken. Try again.")


class PdfVetter:
    """Vets files in a process of its own; use as a context manager around one or many files."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def vet(self, data: bytes, *, trusted_pems: list[str], moment: datetime) -> VettedPdf:
        """Return the verdict on one file's bytes.

        Raises:
            PdfCheckerUnavailableError: there was no answer, so nothing is known about the file.
        """
        if len(data) > MAX_BYTES:
            reason = f"The file is larger than {display_size(MAX_BYTES)}."
            digest = hashlib.sha256(data).hexdigest()
            return VettedPdf(digest, len(data), (Refusal("too_large", reason),))
        process = self._running()
        assert process.stdin is not None  # noqa: S101 - Popen was given pipes
        try:
            frames.write_request(process.stdin, frames.Request(data, trusted_pems, moment))
            answer = self._read_frame(process)
        except (BrokenPipeError, TimeoutError) as error:
            self._stop()
            raise PdfCheckerUnavailableError from error
        if answer is None:
            self._stop()
            raise PdfCheckerUnavailableError
        return _from_json(answer)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            # No environment but what Python needs: the parsers get no database address, no keys.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "apps.providers.pdf.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=_ROOT,
                env=bare_environment(),
            )
        return self._process

    def _read_frame(self, process: subprocess.Popen[bytes]) -> dict[str, Any] | None:
        assert process.stdout is not None  # noqa: S101 - Popen was given pipes
        deadline = time.monotonic() + _ANSWER_SECONDS
        received = b""
        while (left := deadline - time.monotonic()) > 0:
            ready, _, _ = select.select([process.stdout], [], [], left)
            if not ready:
                raise TimeoutError
            chunk = os.read(process.stdout.fileno(), 1 << 16)
            if not chunk:
                return None
            received += chunk
            answer = frames.parse(received)
            if answer is not None:
                return answer
        raise TimeoutError

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                # What was still buffered for a dead worker has nowhere to go.
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        process.wait()


def _from_json(answer: dict[str, Any]) -> VettedPdf:
    signature = answer.pop("signature")
    signed_at = signature.pop("signed_at")
    refusals = tuple(Refusal(**item) for item in answer.pop("refusals"))
    places = tuple(Place(**item) for item in answer.pop("places"))
    return VettedPdf(
        **answer,
        refusals=refusals,
        places=places,
        signature=SignatureReport(
            state=SignatureVerdict(signature.pop("state")),
            signed_at=datetime.fromisoformat(signed_at) if signed_at else None,
            **signature,
        ),
    )
