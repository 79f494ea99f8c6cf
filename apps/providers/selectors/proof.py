"""From a moment of play to its proof, and from a report to the times in which it is the proof."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from typing import Final

from apps.core.jurisdictions import day_in
from apps.providers.contracts import Cover
from apps.providers.coverage.facts import CertificateFacts, Running
from apps.providers.coverage.periods import CoverPeriod, periods_of
from apps.providers.enums import COVERING_KINDS
from apps.providers.models import Certificate, Game
from apps.providers.selectors.coverage import verdict_on
from apps.providers.selectors.register import offers_over_time, serving


@dataclass(frozen=True, slots=True)
class Proof:
    """What stood at one moment for a game in a jurisdiction.

    ``digests`` compares the package measured where it runs with the one that the report prints:
    "match", "mismatch", or "unknown" where either is not on file. ``override_id`` is set where two
    people stood in for a missing report.
    """

    jurisdiction: str
    on: str
    cover: Cover
    builds: tuple[str, ...]
    variants: tuple[str, ...]
    digests: str
    override_id: int | None


def proof_at(game_id: int, jurisdiction: str, at: datetime) -> Proof | None:
    """Return the proof of what was played then; None for an unknown game. One query.

    ``certified_spans`` turns it round: a certificate is named here at exactly the moments there.
    """
    facts = serving(game_id, jurisdiction, at)
    if facts is None:
        return None
    verdict = verdict_on(facts, at)
    named = {proof.id for proof in verdict.cover.proofs}
    certificates = [item for item in facts.offer.certificates if item.id in named]
    return Proof(
        jurisdiction=jurisdiction,
        on=day_in(jurisdiction, at).isoformat(),
        cover=verdict.cover,
        builds=tuple(dict.fromkeys(one.build.version for one in verdict.running if one.build)),
        variants=tuple(
            dict.fromkeys(str(one.variant.code) for one in verdict.running if one.variant)
        ),
        digests="mismatch"
        if any(reason.code == "digest_mismatch" for reason in verdict.cover.reasons)
        else _digests(certificates, facts.offer.game_code, verdict.running),
        override_id=facts.override_id if verdict.cover.may_be_lifted else None,
    )


def _digests(
    certificates: Sequence[CertificateFacts], game_code: str, running: tuple[Running, ...]
) -> str:
    printed = {
        (claim.version, claim.digest)
        for certificate in certificates
        for claim in certificate.builds
        if claim.game_code == game_code and claim.digest
    }
    measured = [(one.build.version, one.digest) for one in running if one.build and one.digest]
    known = [pair for pair in measured if pair[0] in {version for version, _digest in printed}]
    is_proven = bool(printed) and len(known) == len(running)
    return "match" if is_proven and all(pair in printed for pair in known) else "unknown"


@dataclass(frozen=True, slots=True)
class CertifiedSpan:
    """A game in a jurisdiction, from ``start`` up to ``end``, under the certificate asked about."""

    provider_id: int
    game_id: int
    game_code: str
    jurisdiction: str
    start: datetime
    end: datetime


FOR_GOOD: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""The end of a span that nothing on file ends."""


def certified_spans(certificate_id: int) -> list[CertifiedSpan]:
    """Return when the certificate was or will be the proof, by game, jurisdiction and time.

    Where several certificates cover, the proof is the one that ``proof_at`` names. Empty for an
    unknown certificate and for a kind that covers no game by itself. Eight queries.
    """
    certificate = Certificate.objects.filter(pk=certificate_id, kind__in=COVERING_KINDS).first()
    if certificate is None:
        return []
    codes = certificate.games.values_list("game_code", flat=True)
    games = Game.objects.filter(provider__code=certificate.provider_code, game_code__in=codes)
    providers = dict(games.values_list("pk", "provider_id"))
    places = list(certificate.jurisdictions.values_list("jurisdiction", flat=True))
    start = datetime.combine(certificate.effective_on - timedelta(days=2), time(), UTC)
    spans = []
    for offer in offers_over_time(list(providers), places):
        for begin, end in _joined(certificate_id, periods_of(offer, start, FOR_GOOD)):
            spans.append(
                CertifiedSpan(
                    provider_id=providers[offer.game_id],
                    game_id=offer.game_id,
                    game_code=offer.game_code,
                    jurisdiction=offer.jurisdiction,
                    start=begin,
                    end=end,
                )
            )
    return spans


def _joined(
    certificate_id: int, periods: Sequence[CoverPeriod]
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the spans that the certificate proves; one that goes on under other remarks is one."""
    for is_proof, group in groupby(
        periods, lambda period: any(one.id == certificate_id for one in period.cover.proofs)
    ):
        found = list(group)
        if is_proof:
            yield found[0].start, found[-1].end
