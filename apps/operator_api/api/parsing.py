"""Request bodies: JSON, strictly, and never more than we are ready to read."""

import json
from collections.abc import Mapping
from typing import Any, Final, NoReturn, override

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser, MultiPartParser

from apps.providers.pdf.contracts import MAX_BYTES

MAX_BODY_BYTES: Final = 64 * 1024
# What the boundaries and headers of a form may add to a document.
_FORM_BYTES: Final = 64 * 1024


class BodyTooLargeError(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = f"The body is larger than {MAX_BODY_BYTES:,} bytes."
    default_code = "body_too_large"


class StrictJsonParser(BaseParser):
    """UTF-8 JSON without NaN, repeated names, floats out of range or bottomless nesting.

    A number with decimals stays text inside: amounts are strings in this API, and no float of a
    client ever reaches them.
    """

    media_type = "application/json"

    @override
    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body = stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLargeError
        try:
            parsed = json.loads(
                body.decode("utf-8"),
                parse_float=_Decimals,
                parse_constant=_refuse_constant,
                object_pairs_hook=_without_repeats,
            )
            # Half of a surrogate pair can be escaped in JSON but neither stored nor answered.
            json.dumps(parsed, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            raise ParseError("The body is not valid JSON.") from None
        return parsed


class _Decimals(str):
    """A JSON number with decimals: not a text that the client wrote, and not a float either."""

    __slots__ = ()


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


class UploadParser(MultiPartParser):
    """One document in a form. A body without a length, or over the limit, is not read at all."""

    @override
    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        length = (parser_context or {})["request"].META.get("CONTENT_LENGTH") or ""
        if not length.isdigit():
            raise ParseError("The request states no Content-Length.")
        if int(length) > MAX_BYTES + _FORM_BYTES:
            raise BodyTooLargeError(f"The body is larger than {MAX_BYTES + _FORM_BYTES:,} bytes.")
        try:
            return super().parse(stream, media_type, parser_context)
        except RequestDataTooBig:
            raise BodyTooLargeError("The fields beside the document are too large.") from None
        except SuspiciousOperation:
            raise ParseError("The form has too many fields or files.") from None


def is_text(value: Any) -> bool:
    """Tell whether the client wrote a JSON string."""
    return type(value) is str
