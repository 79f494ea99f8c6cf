"""From a certificate to the rounds that it covered: the other way of a round's proof.

A round is under a certificate exactly if its own page names the certificate as its proof.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from apps.compliance.contracts import CertifiedPage
from apps.providers.selectors.proof import CertifiedSpan, certified_spans
from apps.rounds.rounds_in_spans import (
    OpenedRound,
    OpenedSum,
    PlaceInTime,
    rounds_opened_in,
    sums_of_rounds_opened_in,
)
from apps.rounds.span_play import PlaySpan

PAGE: Final = 50
_AT_ONCE: Final = 1_000


def spans_under(certificate_id: int, *, game_code: str = "") -> list[CertifiedSpan]:
    """Return when the certificate was or will be the proof, of all its games or of one."""
    spans = certified_spans(certificate_id)
    return [span for span in spans if game_code in {"", span.game_code}]


def sums_under(spans: Sequence[CertifiedSpan]) -> list[OpenedSum]:
    """Return what the rounds in a certificate's spans come to, by game and currency."""
    return sums_of_rounds_opened_in(_asked(spans))


def page_under(
    spans: Sequence[CertifiedSpan], *, before: PlaceInTime | None = None, limit: int = PAGE
) -> CertifiedPage:
    """Return the newest rounds in a certificate's spans, or those before where a page ended."""
    found = rounds_opened_in(_asked(spans), before=before, limit=limit + 1)
    older = found[limit - 1][0] if len(found) > limit else None
    return CertifiedPage([one for _, one in found[:limit]], older)


def rounds_under(spans: Sequence[CertifiedSpan]) -> Iterator[OpenedRound]:
    """Yield every round in a certificate's spans, newest first, some at a time."""
    before = None
    while True:
        page = page_under(spans, before=before, limit=_AT_ONCE)
        yield from page.rounds
        before = page.older
        if before is None:
            return


def _asked(spans: Sequence[CertifiedSpan]) -> list[PlaySpan]:
    return [
        PlaySpan(span.provider_id, span.game_id, span.jurisdiction, span.start, span.end)
        for span in spans
    ]
