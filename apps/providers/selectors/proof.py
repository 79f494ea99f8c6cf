"""From a moment of play to its proof: what ran, which report covered it, do the digests agree."""

from dataclasses import dataclass
from datetime import datetime

from apps.core.jurisdictions import day_in
from apps.providers.contracts import Cover
from apps.providers.coverage.facts import CertificateFacts, Running
from apps.providers.selectors.coverage import verdict_on
from apps.providers.selectors.register import serving


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
    """Return the proof of what was played then; None for an unknown game. One query."""
    facts = serving(game_id, jurisdiction, at)
    if facts is None:
        return None
    verdict = verdict_on(facts, at)
    proof = verdict.cover.certificate
    certificate = next(
        (item for item in facts.offer.certificates if proof and item.id == proof.id), None
    )
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
        else _digests(certificate, facts.offer.game_code, verdict.running),
        override_id=None if verdict.cover.allowed else facts.override_id,
    )


def _digests(
    certificate: CertificateFacts | None, game_code: str, running: tuple[Running, ...]
) -> str:
    if certificate is None:
        return "unknown"
    printed = {
        (claim.version, claim.digest)
        for claim in certificate.builds
        if claim.game_code == game_code and claim.digest
    }
    measured = [(one.build.version, one.digest) for one in running if one.build and one.digest]
    known = [pair for pair in measured if pair[0] in {version for version, _digest in printed}]
    is_proven = len(known) == len(running) and all(pair in printed for pair in known)
    return "match" if is_proven else "unknown"
