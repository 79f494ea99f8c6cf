"""What a register's row leaves open, its document says: the narrower word counts. Pure."""

from dataclasses import replace
from datetime import date
from typing import Final

from apps.providers.enums import COVERING_KINDS, CertificateResult
from apps.providers.errors import CertificateEntryError
from apps.providers.pdf.text import StatedFacts
from apps.providers.register.compare import stated_day, stated_result, stated_rtps
from apps.providers.register.entries import CertificateEntry
from apps.providers.register.technical import stated_builds, stated_files

# A build's files are kept with each build; more than this is no report of builds.
_MAX_ROWS: Final = 50_000


def as_stated(entry: CertificateEntry, facts: StatedFacts) -> CertificateEntry:
    """Return the entry; what its row leaves open of scope, files and terms is the document's.

    What the row says itself stays, also where the document says otherwise: that is a finding.

    Raises:
        CertificateEntryError: the row says no result or end, and the document none that is clear.
    """
    _require_clear_result(entry, facts)
    _require_clear_end(entry, facts)
    entry = with_stated_limits(entry, facts)
    is_covering = entry.kind in COVERING_KINDS
    builds = stated_builds(facts, entry.games) if is_covering else ()
    files = stated_files(facts) if is_covering else ()
    if len(entry.builds or builds) * len(files) > _MAX_ROWS:
        files = ()
    return replace(
        entry,
        effective_on=entry.effective_on or _later_effect(entry, facts),
        builds=entry.builds or builds,
        builds_are_read=bool(builds) and not entry.builds,
        critical_files=entry.critical_files or files,
        conditions=entry.conditions or facts.conditions,
        signatory=entry.signatory or facts.signatory[:128],
    )


def with_stated_limits(entry: CertificateEntry, facts: StatedFacts) -> CertificateEntry:
    """Return the entry with the document's last day and RTP figures where its row has none."""
    figures = stated_rtps(facts) if entry.kind in COVERING_KINDS else ()
    is_percents = all(0 < figure <= 100 for figure in figures)
    return replace(
        entry,
        expires_on=entry.expires_on or _stated_end(entry, facts),
        rtp_variants=entry.rtp_variants or (figures if is_percents else ()),
    )


def _stated_end(entry: CertificateEntry, facts: StatedFacts) -> date | None:
    try:
        day = date.fromisoformat(stated_day(facts.expires_on))
    except ValueError:
        return None
    return day if day > entry.issued_on else None


def _require_clear_end(entry: CertificateEntry, facts: StatedFacts) -> None:
    """Refuse a row without a last day where the document's can't be told for certain.

    Raises:
        CertificateEntryError
    """
    is_unclear = stated_day(facts.expires_on) and _stated_end(entry, facts) is None
    if is_unclear and entry.expires_on is None:
        # A row has no word for "none": a person who read the page says that.
        problem = (
            f"expires_on is '{facts.expires_on[:80]}' in the document; say in the row which day, "
            "or register it by review where that is none."
        )
        raise CertificateEntryError([problem])


def _later_effect(entry: CertificateEntry, facts: StatedFacts) -> date | None:
    try:
        day = date.fromisoformat(stated_day(facts.effective_on))
    except ValueError:
        return None
    return day if day > entry.issued_on else None


def _require_clear_result(entry: CertificateEntry, facts: StatedFacts) -> None:
    """Refuse a row that says no result where its document's own can't be told for certain.

    Raises:
        CertificateEntryError
    """
    is_unclear = facts.result and stated_result(facts) is CertificateResult.NOT_STATED
    if is_unclear and entry.result is None:
        known = ", ".join(CertificateResult.values)
        raise CertificateEntryError(
            [f"result is '{facts.result[:80]}' in the document; say in the row which of {known}."]
        )
