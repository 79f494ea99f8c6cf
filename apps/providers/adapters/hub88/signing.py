"""Who signed a Hub88 request: RSA PKCS#1 v1.5 with SHA-256 over the exact body."""

import base64
import binascii
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from apps.providers.adapters.contract import CallbackRequest
from apps.providers.contracts import WebhookKey
from apps.providers.errors import InvalidSecretError

FEWEST_BITS: Final = 2_048
_MOST_BITS: Final = 8_192
_LONGEST_SIGNATURE: Final = 2_048


def is_caleta(path: str) -> bool:
    """Tell which of the two dialects a path belongs to."""
    return path.startswith("wallet/")


def read_secret(text: str) -> bytes:
    """Return the provider's public key as it is kept, in PEM.

    Raises:
        InvalidSecretError: no RSA public key in PEM of 2,048 to 8,192 bits.
    """
    pem = text.strip().encode()
    if public_key(pem) is None:
        raise InvalidSecretError(
            "Expected the provider's RSA public key in PEM, of 2,048 to 8,192 bits."
        )
    return pem


@lru_cache(maxsize=64)
def public_key(pem: bytes) -> RSAPublicKey | None:
    """Return the key, loaded once per process; None for what is none that we trust."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        return None
    if not isinstance(key, RSAPublicKey) or not FEWEST_BITS <= key.key_size <= _MOST_BITS:
        return None
    return key


def may_be_signed(request: CallbackRequest) -> bool:
    return bool(_signature(request))


def authenticate(
    keys: Sequence[WebhookKey], request: CallbackRequest, _tolerance_seconds: int
) -> WebhookKey | None:
    """Return the key that signed; the protocol signs no time, so a repeat is told by its id."""
    signature = _signature(request)
    if not signature:
        return None
    for key in keys:
        if _has_signed(key, signature, request.body):
            return key
    return None


def _signature(request: CallbackRequest) -> bytes:
    """Return the signature that a request carries; empty for what can't be one."""
    name = "x-auth-signature" if is_caleta(request.path) else "x-hub88-signature"
    header = request.headers.get(name, "")
    if len(header) > _LONGEST_SIGNATURE:
        return b""
    try:
        return base64.b64decode(header, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _has_signed(key: WebhookKey, signature: bytes, body: bytes) -> bool:
    loaded = public_key(key.secret)
    if loaded is None:
        return False
    try:
        loaded.verify(signature, body, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True
