"""Raw bodies made readable for people. The bytes themselves stay the evidence."""

import json
from dataclasses import dataclass
from typing import Any, Final

MAX_CHARACTERS: Final = 60_000
MASK: Final = "***"

# Whoever has one of these plays as the player while the session lives.
_CREDENTIALS: Final = frozenset({"session_token", "token", "sessionid", "session_id"})


class _WouldChangeError(ValueError):
    """Formatting would not show what was sent."""


@dataclass(frozen=True, slots=True)
class ReadablePayload:
    """``text`` is for the eye; ``note`` says in which way it differs from the bytes."""

    text: str
    note: str


def readable(body: bytes, event_id: str = "") -> ReadablePayload:
    """Format a body, or the one event of it that is asked for.

    What formatting would change in silence (a number with decimals, a repeated name, text that is
    not JSON) is shown as received instead.
    """
    try:
        parsed = json.loads(body, parse_float=_refuse, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError):
        text = body.decode("utf-8", errors="backslashreplace")
        return _capped(text, "Shown as received: formatting would change it.")
    return _formatted(parsed, event_id)


def event_alone(body: bytes, event_id: str) -> str:
    """Return one event of a body without the others and without session credentials.

    Numbers with decimals are shown as text. Empty where the body is not JSON, repeats a name, or
    holds a list of events without this one: what can't be taken apart is not handed out.
    """
    try:
        parsed = json.loads(body, parse_float=str, object_pairs_hook=_without_repeats)
        events = parsed.get("events") if isinstance(parsed, dict) else None
        if isinstance(events, list):
            named = (e for e in events if isinstance(e, dict) and e.get("event_id") == event_id)
            parsed = next(named, None)
        return _indented(_masked(parsed))[:MAX_CHARACTERS] if parsed is not None else ""
    except (ValueError, RecursionError):
        return ""


def is_credential(name: str) -> bool:
    """Tell whether a field of a message holds what a session is played with."""
    return name.lower() in _CREDENTIALS


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: MASK if is_credential(name) else _masked(inner) for name, inner in value.items()
        }
    return [_masked(inner) for inner in value] if isinstance(value, list) else value


def _formatted(parsed: Any, event_id: str) -> ReadablePayload:
    events = parsed.get("events") if isinstance(parsed, dict) else None
    if not event_id or not isinstance(events, list):
        return _capped(_indented(parsed), "Formatted; the download has the bytes as received.")
    for place, event in enumerate(events, start=1):
        if isinstance(event, dict) and event.get("event_id") == event_id:
            note = f"Event {place} of {len(events)} in this delivery, formatted."
            return _capped(_indented(event), note)
    return _capped(_indented(parsed), "The delivery names this event nowhere; shown whole.")


def _indented(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _capped(text: str, note: str) -> ReadablePayload:
    if len(text) <= MAX_CHARACTERS:
        return ReadablePayload(text, note)
    shown = f"{note} The first {MAX_CHARACTERS:,} of {len(text):,} characters."
    return ReadablePayload(text[:MAX_CHARACTERS], shown)


def _refuse(_text: str) -> Any:
    raise _WouldChangeError


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _WouldChangeError
    return found
