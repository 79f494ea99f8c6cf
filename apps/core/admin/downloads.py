"""Handing out files: the browser shows nothing, runs nothing, keeps nothing and lends nothing."""

from typing import IO, Final

from django.http import FileResponse, HttpResponse
from django.utils.http import content_disposition_header

DOWNLOAD_HEADERS: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store, private",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_BYTES: Final = "application/octet-stream"


def download(content: bytes, filename: str, *, content_type: str = _BYTES) -> HttpResponse:
    """Answer with bytes as a file."""
    response = HttpResponse(content, content_type=content_type, headers=DOWNLOAD_HEADERS)
    disposition = content_disposition_header(as_attachment=True, filename=filename)
    response["Content-Disposition"] = disposition or "attachment"
    return response


def stream_download(
    stream: IO[bytes], filename: str, *, content_type: str = _BYTES
) -> FileResponse:
    """Answer with an open file, piece by piece."""
    response = FileResponse(
        stream, as_attachment=True, filename=filename, content_type=content_type
    )
    for name, value in DOWNLOAD_HEADERS.items():
        response[name] = value
    return response
