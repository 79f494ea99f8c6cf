"""One way to write JSON, so that a hash means the same wherever and whenever it is computed."""

import hashlib
import json
from typing import Any

from apps.core.errors import NotPlainJsonError


def canonical_json(value: Any) -> bytes:
    """Write ``value`` with sorted keys, no spaces and ASCII only.

    Raises:
        NotPlainJsonError: a float (PostgreSQL's jsonb rewrites them), a key that isn't text, a
            NUL or a lone surrogate (jsonb refuses both), or a type JSON doesn't have.
    """
    require_plain_json(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def content_hash(value: Any) -> str:
    """Return the hex SHA-256 of the canonical JSON of ``value``."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def require_plain_json(value: Any, where: str = "$") -> None:
    """Refuse what would not come back from a jsonb column exactly as it went in.

    Raises:
        NotPlainJsonError: with the place in the value, as a path from ``$``.
    """
    match value:
        case None | bool() | int():
            return
        case str():
            _require_storable_text(value, where)
        case list():
            for index, item in enumerate(value):
                require_plain_json(item, f"{where}[{index}]")
        case dict():
            _require_plain_object(value, where)
        case float():
            raise NotPlainJsonError(where, "a float; write money as minor units, rates as text")
        case _:
            raise NotPlainJsonError(where, f"a {type(value).__name__} is not JSON")


def _require_plain_object(value: dict[Any, Any], where: str) -> None:
    for key, item in value.items():
        if not isinstance(key, str):
            raise NotPlainJsonError(where, "a key is not text")
        _require_storable_text(key, where)
        require_plain_json(item, f"{where}.{key}")


def _require_storable_text(text: str, where: str) -> None:
    if "\x00" in text:
        raise NotPlainJsonError(where, "a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotPlainJsonError(where, "a lone surrogate") from None
