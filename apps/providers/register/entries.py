"""One line of a certificate register, from text to facts. Pure: no files, no tables.

The admin's upload form gives the same texts, so both doors judge alike.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, date
from decimal import Decimal
from typing import Any

from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.providers.enums import CertificateKind, CertificateResult
from apps.providers.errors import CertificateEntryError
from apps.providers.register.technical import (
    BuildEntry,
    CriticalFileEntry,
    build_of,
    critical_file_of,
)

COLUMNS = (
    "file",
    "report_number",
    "revision",
    "lab",
    "kind",
    "standards",
    "jurisdictions",
    "provider",
    "issued_on",
    "expires_on",
    "review_due_on",
    "games",
    "rtp_variants",
)
# A register may have these too; without them nothing is said about builds and the rest.
OPTIONAL_COLUMNS = (
    "effective_on",
    "result",
    "builds",
    "critical_files",
    "conditions",
    "signatory",
)
ALL_GAMES = "*"
# A report without an expiry date is looked at again after this time (practice is 12-24 months,
# domain.md 6.3), so that nothing stays valid for ever unseen.
REVIEW_MONTHS_WITHOUT_EXPIRY = 12

_MAX_ITEMS = 5_000
_REPORT_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/:#()+-]{0,63}")
_REVISION = re.compile(r"0|[1-9][0-9]{0,3}")
_PROVIDER = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_JURISDICTION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
_GAME = re.compile(r"[A-Za-z0-9_.:~-]{1,128}")
RTP_FIGURE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,4})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class CertificateEntry:
    """What the register says about one revision of a report. Lists are sorted, without doubles.

    ``builds_are_read`` says that they come from the document, since the row names none.
    """

    file: str
    report_number: str
    revision: int
    lab: str
    kind: CertificateKind
    standards: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    provider_code: str
    issued_on: date
    expires_on: date | None
    review_due_on: date | None
    games: tuple[str, ...]
    all_games: bool
    rtp_variants: tuple[Decimal, ...]
    effective_on: date | None = None
    result: CertificateResult | None = None
    builds: tuple[BuildEntry, ...] = ()
    critical_files: tuple[CriticalFileEntry, ...] = ()
    conditions: str = ""
    signatory: str = ""
    builds_are_read: bool = False


class _Reader:
    """Reads fields and collects what is wrong with them, so that a person sees all of it."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields
        self.problems: list[str] = []

    def text(self, name: str) -> str:
        value = " ".join(self._fields.get(name, "").split())
        if any(unicodedata.category(character).startswith("C") for character in value):
            self.problems.append(f"{name} holds control characters.")
        return value

    def matching(self, name: str, pattern: re.Pattern[str], form: str) -> str:
        value = self.text(name)
        if not pattern.fullmatch(value):
            self.problems.append(f"{name} is {value[:40]!r}, not {form}.")
        return value

    def day(self, name: str, *, required: bool = False) -> date | None:
        value = self.text(name)
        if not value and not required:
            return None
        try:
            return date.fromisoformat(value if _DATE.fullmatch(value) else "")
        except ValueError:
            self.problems.append(f"{name} is {value[:40]!r}, not a date like 2026-11-22.")
            return None

    def items(self, name: str, pattern: re.Pattern[str], form: str) -> tuple[str, ...]:
        values = {part.strip() for part in self.text(name).split(";")} - {""}
        wrong = sorted(value for value in values if not pattern.fullmatch(value))
        if wrong:
            self.problems.append(f"{name} holds {wrong[0][:40]!r}, which is not {form}.")
        if len(values) > _MAX_ITEMS:
            self.problems.append(f"{name} holds more than {_MAX_ITEMS} values.")
        return tuple(sorted(values))

    def part[P](self, name: str, text: str, part: P | None, form: str) -> P | None:
        if part is None:
            self.problems.append(f"{name} holds {text[:60]!r}, which is not {form}.")
        return part


def read_entry(fields: Mapping[str, str]) -> CertificateEntry:
    """Turn the texts of one row into facts.

    Raises:
        CertificateEntryError: with every problem of the row, not only the first.
    """
    reader = _Reader(fields)
    kind = reader.text("kind").lower()
    if kind not in CertificateKind.values:
        known = ", ".join(CertificateKind.values)
        reader.problems.append(f"kind is {kind[:40]!r}, not one of {known}.")
    issued_on = reader.day("issued_on", required=True)
    expires_on = reader.day("expires_on")
    review_due_on = reader.day("review_due_on")
    _judge_dates(reader, issued_on, expires_on, review_due_on)
    games = reader.items("games", re.compile(rf"\*|{_GAME.pattern}"), "a game code or *")
    _judge_games(reader, kind, games)
    rtps = _rtp_variants(reader)
    standards = reader.items("standards", re.compile(r".{1,64}"), "at most 64 characters")
    jurisdictions = reader.items("jurisdictions", _JURISDICTION, "like MT or AU-NT")
    if REHEARSAL_JURISDICTION in jurisdictions:
        reader.problems.append(
            f"jurisdictions holds {REHEARSAL_JURISDICTION}, which is for rehearsals: nobody lives "
            "there, and no laboratory reports on it."
        )
    for name, values in (("standards", standards), ("jurisdictions", jurisdictions)):
        if not values:
            reader.problems.append(f"{name} is empty.")
    report_number = reader.matching("report_number", _REPORT_NUMBER, "a report number")
    revision = reader.matching("revision", _REVISION, "a number from 0 to 9999")
    lab = reader.matching("lab", re.compile(r".{2,128}"), "a name of 2 to 128 characters")
    provider_code = reader.matching("provider", _PROVIDER, "a provider code")
    effective_on, result = reader.day("effective_on"), _result(reader)
    if issued_on and effective_on and effective_on < issued_on:
        reader.problems.append(f"effective_on {effective_on} is before issued_on {issued_on}.")
    technical = _technical(reader)
    if reader.problems or issued_on is None:
        raise CertificateEntryError(reader.problems)
    if expires_on is None and review_due_on is None:
        review_due_on = _months_later(issued_on, REVIEW_MONTHS_WITHOUT_EXPIRY)
    return CertificateEntry(
        file=fields.get("file", ""),
        report_number=report_number,
        revision=int(revision),
        lab=lab,
        kind=CertificateKind(kind),
        standards=standards,
        jurisdictions=jurisdictions,
        provider_code=provider_code,
        issued_on=issued_on,
        expires_on=expires_on,
        review_due_on=review_due_on,
        games=() if games == (ALL_GAMES,) else games,
        all_games=games == (ALL_GAMES,),
        rtp_variants=rtps,
        effective_on=effective_on,
        result=result,
        **technical,
    )


def _result(reader: _Reader) -> CertificateResult | None:
    value = reader.text("result").lower().replace(" ", "_")
    if not value:
        return None
    if value not in CertificateResult.values:
        known = ", ".join(CertificateResult.values)
        reader.problems.append(f"result is {value[:40]!r}, not one of {known}.")
        return None
    return CertificateResult(value)


def _technical(reader: _Reader) -> dict[str, Any]:
    anything = re.compile(r".+")
    builds = [
        reader.part("builds", text, build_of(text), "like game-code 3.0.2 HTML5")
        for text in reader.items("builds", anything, "a build")
    ]
    files = [
        reader.part(
            "critical_files", text, critical_file_of(text), "like core-0.bin SHA-1 and its digest"
        )
        for text in reader.items("critical_files", anything, "a critical file")
    ]
    conditions, signatory = reader.text("conditions"), reader.text("signatory")
    if len(signatory) > 128:
        reader.problems.append("signatory is longer than 128 characters.")
    return {
        "builds": tuple(build for build in builds if build),
        "critical_files": tuple(file for file in files if file),
        "conditions": conditions,
        "signatory": signatory,
    }


def _judge_dates(
    reader: _Reader, issued_on: date | None, expires_on: date | None, review_due_on: date | None
) -> None:
    if issued_on is None:
        return
    if issued_on.year == MAXYEAR:
        reader.problems.append(f"issued_on {issued_on} is in the last year of the calendar.")
    if expires_on is not None and expires_on <= issued_on:
        reader.problems.append(f"expires_on {expires_on} is not after issued_on {issued_on}.")
    if review_due_on is not None and review_due_on <= issued_on:
        reader.problems.append(f"review_due_on {review_due_on} is not after issued_on {issued_on}.")


def _judge_games(reader: _Reader, kind: str, games: tuple[str, ...]) -> None:
    if not games:
        reader.problems.append("games is empty; write * where the report is not about games.")
    elif ALL_GAMES in games and len(games) > 1:
        reader.problems.append("games is * together with codes; it must be one or the other.")
    elif ALL_GAMES in games and kind in {CertificateKind.GAME, CertificateKind.LIVE}:
        reader.problems.append("games is *, but a game or live report must name its games.")


def _rtp_variants(reader: _Reader) -> tuple[Decimal, ...]:
    texts = reader.items("rtp_variants", RTP_FIGURE, "a percentage like 96.10")
    values = {Decimal(text) for text in texts if RTP_FIGURE.fullmatch(text)}
    if any(not 0 < value <= 100 for value in values):
        reader.problems.append("rtp_variants holds a value that is not above 0 and up to 100.")
    return tuple(sorted(values))


def _months_later(day: date, months: int) -> date:
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month, min(day.day, last))
        except ValueError:
            continue
    raise AssertionError(day)
