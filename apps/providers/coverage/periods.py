"""When the cover of an offer begins and ends."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from apps.core.jurisdictions import start_of_day
from apps.providers.contracts import Cover
from apps.providers.coverage.facts import CertificateFacts, OfferFacts
from apps.providers.coverage.judging import cover_of

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CoverPeriod:
    """One answer that holds from ``start`` up to, but not at, ``end``."""

    start: datetime
    end: datetime
    cover: Cover


def periods_of(offer: OfferFacts, start: datetime, end: datetime) -> list[CoverPeriod]:
    """Return the spans from start to end in which the answer is the same, without gaps.

    An answer can only change where something on file begins or ends, so that it is asked once for
    each of these moments and holds until the next.
    """
    turns = sorted({start, *(turn for turn in _turns(offer) if start < turn < end)})
    found: list[CoverPeriod] = []
    for begin, until in zip(turns, [*turns[1:], end], strict=True):
        if begin >= until:
            continue
        cover = cover_of(offer, begin, offer.running(begin))
        if found and found[-1].cover == cover:
            found[-1] = CoverPeriod(found[-1].start, until, cover)
        else:
            found.append(CoverPeriod(begin, until, cover))
    return found


def _turns(offer: OfferFacts) -> Iterator[datetime]:
    for certificate in offer.certificates:
        for day in _days(certificate):
            yield start_of_day(offer.jurisdiction, day)
    for deployment in offer.deployments:
        yield deployment.starts_at
        if deployment.ends_at is not None:
            yield deployment.ends_at
    for change in offer.lineage.changes:
        yield change.decided_at


def _days(certificate: CertificateFacts) -> Iterator[date]:
    """Yield the first day of each different standing."""
    yield certificate.effective_on
    # Labs write the last day of the calendar for "no end"; no day comes after it.
    if certificate.expires_on is not None and certificate.expires_on < date.max:
        yield certificate.expires_on + _ONE_DAY
    if certificate.invalidated_on is not None:
        yield certificate.invalidated_on
    if certificate.recalled_on is not None:
        yield certificate.recalled_on
    if certificate.replaced_from is not None:
        yield certificate.replaced_from
