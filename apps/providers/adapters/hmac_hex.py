"""Signatures that are the hex HMAC-SHA256 of some bytes, keyed with the secret as written."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Final

from apps.providers.adapters.strict import decode_text_secret
from apps.providers.contracts import WebhookKey
from apps.providers.errors import InvalidSecretError

_SIGNATURE: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


def read_secret(text: str) -> bytes:
    """Return the key bytes of a secret.

    Raises:
        InvalidSecretError: not 16 to 512 printable ASCII characters.
    """
    try:
        return decode_text_secret(text)
    except ValueError as error:
        raise InvalidSecretError(f"The secret can't be used: {error}.") from error


def sign(secret: bytes, signed: bytes) -> str:
    return hmac.new(secret, signed, hashlib.sha256).hexdigest()


def is_signature(text: str) -> bool:
    """Tell whether a header can be a signature at all."""
    return _SIGNATURE.fullmatch(text) is not None


def key_that_signed(keys: Iterable[WebhookKey], signed: bytes, signature: str) -> WebhookKey | None:
    """Return the key whose signature this is; each key is compared, in constant time each."""
    if not is_signature(signature):
        return None
    matched: WebhookKey | None = None
    for key in keys:
        if hmac.compare_digest(sign(key.secret, signed), signature):
            matched = key
    return matched
