"""Secrets that are handed out once and kept as a digest."""

import hashlib
import secrets


def new_secret(prefix: str) -> str:
    """Return a secret of 256 random bits; the prefix says to people and scanners what it is."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def digest_of(secret: str) -> str:
    """Return what is stored of a secret. It is random, so a plain hash can't be turned back."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
