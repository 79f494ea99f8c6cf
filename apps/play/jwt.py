"""Gameplay tokens as bytes: how they are written, and what is refused. Pure; no database.

A token is a compact JWS, EdDSA over Ed25519, with exactly the header and claims named here. Nobody
but us writes them, so anything else is a forgery: an unknown header (``jku``, ``crit``), an unknown
or repeated claim, another spelling of the same bytes. The algorithm is never read from the token.
"""

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

from apps.play.contracts import SessionRow
from apps.play.errors import InvalidTokenError

ALGORITHM: Final = "EdDSA"
ISSUER: Final = "pitboss"
MAX_TOKEN_CHARACTERS: Final = 2048

# Between our own machines; the end of a token gets none of it.
CLOCK_LEEWAY: Final = timedelta(seconds=5)

_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]{1,400}\.[A-Za-z0-9_-]{1,1500}\.[A-Za-z0-9_-]{86}")
_CLAIMS: Final = ("exp", "iat", "nbf", "iss", "aud", "sub", "jti", "game")
_HEADER: Final = frozenset({"alg", "kid", "typ"})


def new_key_pair() -> tuple[str, str]:
    """Return a new private and public key, each as PEM."""
    private = Ed25519PrivateKey.generate()
    private_pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public_pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private_pem.decode(), public_pem.decode()


def jwk(kid: str, public_pem: str) -> dict[str, str]:
    """Return the public key as RFC 8037 writes it."""
    raw = _public_key(public_pem).public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": base64.urlsafe_b64encode(raw).rstrip(b"=").decode(),
        "kid": kid,
        "use": "sig",
        "alg": ALGORITHM,
    }


def write_token(row: SessionRow, private_pem: str) -> str:
    """Sign a token for a session. Its times are whole seconds; the session's must be as well."""
    claims = {
        "iss": ISSUER,
        "aud": row.provider_code,
        "sub": row.player_ref,
        "jti": row.jti,
        "game": row.game_code,
        "iat": int(row.issued_at.timestamp()),
        "nbf": int(row.issued_at.timestamp()),
        "exp": int(row.expires_at.timestamp()),
    }
    return jwt.encode(claims, private_pem, algorithm=ALGORITHM, headers={"kid": row.kid})


def claimed_jti(token: str) -> UUID | None:
    """Return which session a token says it is for, before anything of it is believed."""
    if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii() or not _COMPACT.fullmatch(token):
        return None
    try:
        return UUID(_json_part(token.split(".")[1])["jti"])
    except (InvalidTokenError, KeyError, TypeError, ValueError, AttributeError):
        return None


def check_token(token: str, row: SessionRow, now: datetime) -> None:
    """Refuse a token that is not exactly the one we issued for ``row``, or that doesn't hold now.

    Raises:
        InvalidTokenError: with the reason, which is for logs and tests, not for the caller.
    """
    header_part, claims_part, signature_part = token.split(".")
    header = _json_part(header_part)
    if set(header) != _HEADER or header["alg"] != ALGORITHM or header["typ"] != "JWT":
        raise InvalidTokenError("The header is not ours.")
    if header["kid"] != row.kid:
        raise InvalidTokenError("The key is not the one that signed for this session.")
    _require_canonical(signature_part)
    try:
        jwt.decode(
            token,
            _public_key(row.public_pem),
            algorithms=[ALGORITHM],
            audience=row.provider_code,
            issuer=ISSUER,
            # ``now`` is the caller's, so the times are checked below and not by the wall clock.
            options={
                "require": list(_CLAIMS),
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "strict_aud": True,
            },
        )
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise InvalidTokenError(type(error).__name__) from error
    _check_claims(_json_part(claims_part), row, now)


def _check_claims(claims: dict[str, Any], row: SessionRow, now: datetime) -> None:
    if set(claims) != set(_CLAIMS):
        raise InvalidTokenError("The claims are not ours.")
    if any(type(claims[name]) is not int for name in ("exp", "iat", "nbf")):
        raise InvalidTokenError("A time is not a whole number.")
    expected = {
        "sub": row.player_ref,
        "jti": row.jti,
        "game": row.game_code,
        "iat": int(row.issued_at.timestamp()),
        "nbf": int(row.issued_at.timestamp()),
        "exp": int(row.expires_at.timestamp()),
    }
    if any(claims[name] != value for name, value in expected.items()):
        raise InvalidTokenError("A claim differs from the session.")
    if now >= datetime.fromtimestamp(claims["exp"], UTC):
        raise InvalidTokenError("It has expired.")
    if now + CLOCK_LEEWAY < datetime.fromtimestamp(claims["nbf"], UTC):
        raise InvalidTokenError("It is not valid yet.")


def _json_part(part: str) -> dict[str, Any]:
    raw = _require_canonical(part)
    try:
        value = json.loads(raw, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise InvalidTokenError("A part is not JSON.") from error
    if not isinstance(value, dict):
        raise InvalidTokenError("A part is not an object.")
    return value


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidTokenError("A name is there twice.")
    return found


def _require_canonical(part: str) -> bytes:
    """Decode one part; the same bytes have one spelling only, so that a token can't vary."""
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError as error:
        raise InvalidTokenError("A part is not base64url.") from error
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part:
        raise InvalidTokenError("A part is not written the one way.")
    return raw


@lru_cache(maxsize=16)
def _public_key(public_pem: str) -> Ed25519PublicKey:
    key = load_pem_public_key(public_pem.encode())
    if not isinstance(key, Ed25519PublicKey):
        raise TypeError("Signing keys are Ed25519.")
    return key
