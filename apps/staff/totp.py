"""Which time step a code of an authenticator app belongs to (RFC 6238)."""

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)


def step_of_code(secret: str, code: str) -> int | None:
    """Return the step that ``code`` is right for now, the newest of those allowed, or None."""
    for step in sorted(yield_hotp_counters_from_time(), reverse=True):
        if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, step))):
            return int(step)
    return None
