"""Whoever decides says why: the rule that every service with a reason keeps."""

from apps.core.errors import ReasonRequiredError


def require_reason(reason: str) -> str:
    """Return the words without the white space around them.

    Raises:
        ReasonRequiredError: there are none.
    """
    words = reason.strip()
    if not words:
        raise ReasonRequiredError
    return words
