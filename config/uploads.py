"""How large a body each page takes: judged by what the request states, before a byte is parsed.

Django counts what a form's fields hold but not its files, and its CSRF check parses the whole body
before anybody is asked who they are. What a page may be sent is therefore said here, and a page
that is not named takes no file. The API's parsers and the gateway keep limits of their own.
"""

from collections.abc import Callable
from typing import Any, Final

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from prometheus_client import Counter

from apps.core.sizes import display_size
from apps.integrity.reading import LARGEST_BYTES
from apps.providers.pdf.contracts import MAX_BYTES
from apps.providers.register.archive import MAX_ARCHIVE_BYTES
from apps.providers.register.file import MAX_REGISTER_BYTES
from apps.providers.services.trust import MAX_PEM_BYTES
from apps.reconciliation.engine.unpack import FILE_LIMIT

logger = structlog.get_logger(__name__)

type View = Callable[[HttpRequest], HttpResponse]

FORM_BYTES: Final = 64 * 1024
"""What the other fields, the boundaries and the headers of a form may add to its files."""
FILES_OF_PAGES: Final = {
    "admin:providers_certificate_add": MAX_BYTES,
    "admin:providers_uploadbatch_add": MAX_ARCHIVE_BYTES + MAX_REGISTER_BYTES,
    "admin:providers_trustedroot_add": MAX_PEM_BYTES,
    "admin:integrity_digestreport_upload": LARGEST_BYTES,
    "admin:reconciliation_statementfile_upload": FILE_LIMIT,
}
REFUSED: Final = Counter(
    "pitboss_bodies_refused", "Bodies that were not read, by page and status.", ["page", "status"]
)
_READING: Final = {"GET", "HEAD", "OPTIONS"}


class BodyLimitMiddleware:
    """Refuse a body that is larger than its page takes, or that does not say how large it is.

    It stands before the CSRF check. What lies beyond the stated length is never read: Django's
    stream ends there.
    """

    def __init__(self, get_response: View) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, _view: View, _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        if request.method in _READING or request.path.startswith("/api/"):
            return None
        page = request.resolver_match.view_name if request.resolver_match else ""
        largest = most_bytes(page)
        stated = request.META.get("CONTENT_LENGTH") or ""
        if stated.isdecimal():
            return _refuse(request, page, largest, 413) if int(stated) > largest else None
        has_body = stated or request.META.get("HTTP_TRANSFER_ENCODING")
        return _refuse(request, page, largest, 411) if has_body else None


def most_bytes(page: str) -> int:
    """Return how large a body the page takes, its form included."""
    return told_bytes(page) + FORM_BYTES


def told_bytes(page: str) -> int:
    """Return the limit that the page tells people: of its files, or of its fields."""
    fields: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return FILES_OF_PAGES.get(page, fields)


def _refuse(request: HttpRequest, page: str, largest: int, status: int) -> HttpResponse:
    REFUSED.labels(page=page, status=str(status)).inc()
    logger.warning("uploads.body.refused", page=page, status=status, largest_bytes=largest)
    told = told_bytes(page)
    context = {
        "limit": f"{display_size(told)} ({told:,} bytes)",
        "is_too_large": status == 413,
        "page": request.path,
    }
    return render(request, "413.html", context, status=status)
