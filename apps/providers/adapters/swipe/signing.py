"""Who signed a Swipe request: HMAC over the body, or over the query as canonical JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

from apps.providers.adapters.contract import CallbackRequest
from apps.providers.adapters.hmac_hex import is_signature, key_that_signed
from apps.providers.contracts import WebhookKey

_HEADER: Final = "x-request-sign"


def may_be_signed(request: CallbackRequest) -> bool:
    return is_signature(request.headers.get(_HEADER, ""))


def authenticate(
    keys: Sequence[WebhookKey], request: CallbackRequest, _tolerance_seconds: int
) -> WebhookKey | None:
    """Return the key that signed; the protocol signs no time, so a repeat is told by its id."""
    signed = signed_text(request)
    if signed is None:
        return None
    return key_that_signed(keys, signed, request.headers.get(_HEADER, ""))


def signed_text(request: CallbackRequest) -> bytes | None:
    """Return the bytes that the signature covers; None for a query that can't have been signed."""
    if request.method != "GET":
        return request.body
    query = query_of(request)
    return None if query is None else canonical(query)


def query_of(request: CallbackRequest) -> dict[str, str] | None:
    """Return the parameters of a query; None where one is repeated or can't be read."""
    if not request.query.isascii():
        # What is not ASCII comes percent-encoded.
        return None
    try:
        pairs = parse_qsl(
            request.query,
            keep_blank_values=True,
            strict_parsing=bool(request.query),
            errors="strict",
            max_num_fields=32,
        )
    except ValueError:
        return None
    found = dict(pairs)
    return found if len(found) == len(pairs) else None


def canonical(query: Mapping[str, str]) -> bytes:
    """Write text values as RFC 8785 does: keys in UTF-16 order, no spaces, UTF-8."""
    ordered = sorted(query.items(), key=lambda pair: pair[0].encode("utf-16-be"))
    return json.dumps(dict(ordered), separators=(",", ":"), ensure_ascii=False).encode()
