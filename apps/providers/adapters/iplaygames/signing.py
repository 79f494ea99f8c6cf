"""Who signed an iPlayGames request: hex HMAC-SHA256 over the exact body."""

from collections.abc import Sequence
from typing import Final

from apps.providers.adapters.contract import CallbackRequest
from apps.providers.adapters.hmac_hex import is_signature, key_that_signed
from apps.providers.contracts import WebhookKey

_HEADER: Final = "x-signature"


def may_be_signed(request: CallbackRequest) -> bool:
    return is_signature(request.headers.get(_HEADER, ""))


def authenticate(
    keys: Sequence[WebhookKey], request: CallbackRequest, _tolerance_seconds: int
) -> WebhookKey | None:
    """Return the key that signed; the protocol signs no time, so a repeat is told by its id."""
    return key_that_signed(keys, request.body, request.headers.get(_HEADER, ""))
