"""What of an answer must be the same whenever the operation comes again."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from apps.simulator.dialects.contract import Answer


def essence_of(dialect: str, answer: Answer) -> str:
    """Return a short digest of an answer, without what its protocol lets differ."""
    try:
        content = json.loads(answer.raw)
    except ValueError:
        content = {"raw": answer.raw.decode("latin-1")}
    kept = _KEPT[dialect](content)
    text = json.dumps([answer.http_status, kept], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _native(content: Mapping[str, Any]) -> Any:
    """The first answer, by other words: what was accepted is a duplicate when it comes again."""
    results = content.get("results")
    if not results:
        return content
    result = dict(results[0])
    if result["status"] in {"accepted", "tentative", "duplicate"}:
        result["status"] = "taken"
    return result


def _swipe(content: Mapping[str, Any]) -> Any:
    return content


def _hub88(content: Mapping[str, Any]) -> Any:
    return {name: value for name, value in content.items() if name != "request_uuid"}


def _iplaygames(content: Mapping[str, Any]) -> Any:
    """Without the balance, which is that of the moment, and the word that it is a repeat."""
    varying = {"balance", "already_processed"}
    return {name: value for name, value in content.items() if name not in varying}


_KEPT: Final[Mapping[str, Callable[[Mapping[str, Any]], Any]]] = {
    "native": _native,
    "swipe": _swipe,
    "hub88": _hub88,
    "iplaygames": _iplaygames,
}
