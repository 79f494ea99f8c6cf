"""The desk's dates as an iCalendar file (RFC 5545): all-day events, no person, nothing to answer.

A writer of our own: four properties of one component are less than a library and its time zones.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from apps.providers.selectors.matrix import DeskDate

WORDS: Final = {
    "effective": "takes effect",
    "expires": "last day of validity",
    "review": "review due",
    "invalidated": "covers nothing from this day",
    "recalled": "recalled from this day",
    "accreditation": "accreditation ends",
}
_MAX_OCTETS: Final = 75


def to_ics(dates: Iterable[DeskDate], *, domain: str, stamp: datetime) -> bytes:
    """Return the calendar as bytes. UIDs are stable, so that a changed day moves its event."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Pitboss//Compliance desk//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "X-WR-CALNAME:Pitboss compliance desk",
        "REFRESH-INTERVAL;VALUE=DURATION:PT12H",
    ]
    for one in dates:
        lines += _event(one, domain, stamp)
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line)).encode()


def summary_of(one: DeskDate) -> str:
    return f"{one.text}: {WORDS[one.kind]}"


def _event(one: DeskDate, domain: str, stamp: datetime) -> Iterator[str]:
    subject = (
        f"certificate-{one.certificate_id}"
        if one.certificate_id is not None
        # A laboratory keeps the number of its accreditation from one term to the next.
        else f"lab-accreditation-{one.accreditation_id}"
    )
    yield "BEGIN:VEVENT"
    yield f"UID:{subject}-{one.kind}@{domain}"
    yield f"DTSTAMP:{stamp.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield f"DTSTART;VALUE=DATE:{one.on:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{one.on + timedelta(days=1):%Y%m%d}"
    yield f"SUMMARY:{_text(summary_of(one))}"
    yield f"DESCRIPTION:{_text('Lab: ' + one.lab)}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return "".join(
        "\\n" if character == "\n" else character
        for character in escaped.replace("\r\n", "\n")
        if character == "\n" or character.isprintable()
    )


def _folded(line: str) -> Iterator[str]:
    """Yield the line in pieces of at most 75 octets; the next ones begin with a space."""
    piece, size = "", 0
    for character in line:
        width = len(character.encode())
        if size + width > _MAX_OCTETS:
            yield piece
            piece, size = " ", 1
        piece, size = piece + character, size + width
    yield piece
