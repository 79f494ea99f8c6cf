"""Every refusal has one shape: a stable code, a sentence, and the fields or reasons behind it."""

from typing import Any, Final

from django.http import Http404
from rest_framework import status
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.response import Response

from apps.core.errors import DomainError, OutboundRequestError
from apps.operator_api.errors import DepositRefusedError, NotEligibleError, PlayRefusedError
from apps.play.errors import LaunchRefusedError
from apps.providers.errors import PdfRefusedError
from apps.wallet.errors import UnreadableAnswerError

NOT_FOUND: Final = "There is nothing here that you may see."

# An unknown player, session or round is answered alike, wherever it was named.
_STATUS: Final[dict[str, int]] = {
    "unknown_player": 404,
    "unknown_provider": 404,
    "unknown_game": 404,
    "unknown_game_transfer": 404,
    "unknown_session": 404,
    "unknown_reality_check": 404,
    "unknown_currency": 400,
    "invalid_amount": 400,
    "wrong_currency": 400,
    "limit_amount": 400,
    "digest_report_refused": 400,
    "launch_refused": 403,
    "invalid_refresh_credential": 403,
    "idempotency_key_reused": 422,
    "pdf_checker_unavailable": 503,
    "store_unavailable": 503,
}
_CODES: Final[dict[int, str]] = {
    400: "malformed",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
}


def problem(code: str, detail: str, errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    return {"code": code, "detail": detail, "errors": errors or []}


def status_of(refusal: DomainError) -> int:
    """Return the HTTP status of a broken rule; what is not listed is a conflict with what is."""
    if isinstance(refusal, PdfRefusedError):
        codes = {code for code, _reason in refusal.refusals}
        special = {"too_large": 413, "scanner_unavailable": 503}
        return next((number for code, number in special.items() if code in codes), 400)
    if isinstance(refusal, OutboundRequestError | UnreadableAnswerError):
        return status.HTTP_502_BAD_GATEWAY
    return _STATUS.get(refusal.code, status.HTTP_409_CONFLICT)


def problem_of(refusal: DomainError) -> dict[str, Any]:
    """Return a broken rule as the client sees it."""
    if status_of(refusal) == status.HTTP_404_NOT_FOUND:
        return problem("not_found", NOT_FOUND)
    return problem(refusal.code, str(refusal), _errors_of(refusal))


def _errors_of(refusal: DomainError) -> list[dict[str, str]]:
    if isinstance(
        refusal, LaunchRefusedError | NotEligibleError | DepositRefusedError | PlayRefusedError
    ):
        return [
            {"field": "", "code": reason.code, "detail": reason.text} for reason in refusal.reasons
        ]
    if isinstance(refusal, PdfRefusedError):
        return [
            {"field": "document", "code": code, "detail": reason}
            for code, reason in refusal.refusals
        ]
    return []


def handle_exception(error: Exception, _context: dict[str, Any]) -> Response | None:
    """Answer what a client may cause; anything else is a bug and goes up untouched."""
    match error:
        case DomainError():
            answer = Response(problem_of(error), status=status_of(error))
        case Http404():
            answer = Response(problem("not_found", NOT_FOUND), status=status.HTTP_404_NOT_FOUND)
        case ValidationError():
            errors = _flat(error.detail)
            answer = Response(problem("invalid", "The request is not valid.", errors), status=400)
        case APIException():
            answer = _of_framework(error)
        case _:
            return None
    return answer


def _of_framework(error: APIException) -> Response:
    given = error.get_codes()
    known = {"invalid_token", "missing_scope", "idempotency_key_missing"}
    code = given if given in known else _CODES.get(error.status_code, "refused")
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined] # set by the framework's view
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(int(error.wait) + 1)  # type: ignore[attr-defined] # only Throttled has it
    detail = NOT_FOUND if error.status_code == status.HTTP_404_NOT_FOUND else str(error.detail)
    return Response(problem(str(code), detail), status=error.status_code, headers=headers)


def _flat(detail: Any, path: str = "") -> list[dict[str, str]]:
    if isinstance(detail, dict):
        return [
            entry
            for name, inner in detail.items()
            for entry in _flat(inner, path if name == "non_field_errors" else _join(path, name))
        ]
    if isinstance(detail, list):
        return [
            entry
            for place, inner in enumerate(detail)
            for entry in _flat(
                inner, path if isinstance(inner, ErrorDetail) else f"{path}[{place}]"
            )
        ]
    return [{"field": path, "code": str(getattr(detail, "code", "invalid")), "detail": str(detail)}]


def _join(path: str, name: object) -> str:
    text = f"{name!s:.60}"
    return f"{path}.{text}" if path else text
