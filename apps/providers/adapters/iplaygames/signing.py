"""Who signed an iPlayGames request: hex HMAC-SHA256 over the exact body."""

from collections.abc import Sequence

from apps.providers.adapters.contract import CallbackRequest
from apps.providers.adapters.hmac_hex import key_that_signed
from apps.providers.contracts import WebhookKey


def authenticate(
    keys: Sequence[WebhookKey], request: CallbackRequest, _tolerance_seconds: int
) -> WebhookKey | None:
    """Return the key that signed; the protocol signs no time, so a repeat is told by its id."""
    return key_that_signed(keys, request.body, request.headers.get("x-signature", ""))
