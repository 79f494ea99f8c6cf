"""The rules of cover, each in one place; ``selectors.coverage`` says what they mean.

A certificate either covers what runs or there is a first rule that speaks against it. Nothing here
reads the database, so that the gate, the matrix, the daily check and a look at years judge alike.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime

from apps.core.jurisdictions import day_in, jurisdiction_by_code
from apps.core.percents import display_percent, percent_figure
from apps.providers.contracts import Cover, CoverReason
from apps.providers.coverage.facts import (
    BuildClaim,
    BuildFacts,
    CertificateFacts,
    OfferFacts,
    Running,
    VariantClaim,
)
from apps.providers.enums import Channel


def cover_of(offer: OfferFacts, at: datetime, running: Sequence[Running]) -> Cover:
    """Say what covers all that runs of the offer, or everything that speaks against it.

    Where nothing runs any more, nothing is covered.
    """
    if jurisdiction_by_code(offer.jurisdiction) is None:
        return unknown_jurisdiction(offer.jurisdiction)
    if not running:
        return not_deployed(offer.game_code, offer.jurisdiction)
    day = day_in(offer.jurisdiction, at)
    return all_of([cover_among(offer, offer.certificates, one, day) for one in running])


def all_of(covers: Sequence[Cover]) -> Cover:
    """Return one answer for all that runs: it is covered where each of it is."""
    broken = [cover for cover in covers if not cover.allowed]
    if not broken:
        first, *others = dict.fromkeys(proof for cover in covers for proof in cover.proofs)
        return replace(covers[0], certificate=first, besides=tuple(others)) if others else covers[0]
    reasons = tuple(dict.fromkeys(reason for cover in broken for reason in cover.reasons))
    return Cover(allowed=False, certificate=None, reasons=reasons)


def unknown_jurisdiction(jurisdiction: str) -> Cover:
    text = f"No jurisdiction {jurisdiction} is on file, so nobody knows its day."
    return refused("unknown_jurisdiction", text)


def not_deployed(game_code: str, jurisdiction: str) -> Cover:
    text = f"No build of {game_code} runs in {jurisdiction} at this time."
    return refused("not_deployed", text)


def cover_among(
    offer: OfferFacts, certificates: Iterable[CertificateFacts], running: Running, day: date
) -> Cover:
    """Return the first certificate that covers what runs, or each one's objection."""
    objections = []
    for certificate in certificates:
        reason = objection(certificate, offer.jurisdiction, day) or scope_objection(
            certificate, offer.game_code, running
        )
        if reason is None:
            remarks = tuple(remarks_on(certificate, offer.game_code, running))
            return Cover(allowed=True, certificate=certificate.ref(), remarks=remarks)
        objections.append(reason)
    reasons = tuple(objections) or (nothing_names(offer.game_code),)
    return Cover(allowed=False, certificate=None, reasons=reasons)


def refused(code: str, text: str) -> Cover:
    return Cover(allowed=False, certificate=None, reasons=(CoverReason(code, text),))


def nothing_names(game_code: str) -> CoverReason:
    return CoverReason("no_certificate", f"No registered report names {game_code}.")


def objection(certificate: CertificateFacts, jurisdiction: str, day: date) -> CoverReason | None:
    """Return the first rule that the report itself fails there on that day, whatever runs."""
    if jurisdiction not in certificate.jurisdictions:
        return other_jurisdiction(certificate, jurisdiction)
    return standing_objection(certificate, day)


def other_jurisdiction(certificate: CertificateFacts, jurisdiction: str) -> CoverReason:
    return CoverReason("other_jurisdiction", f"{certificate} does not name {jurisdiction}.")


def standing_objection(certificate: CertificateFacts, day: date) -> CoverReason | None:
    """Return the first rule that the report fails on that day, wherever."""
    expires_on, invalid_on = certificate.expires_on, certificate.invalidated_on
    recalled_on, replaced_from = certificate.recalled_on, certificate.replaced_from
    rules = (
        (certificate.is_withdrawn, "withdrawn", "was withdrawn and counts for no day"),
        (certificate.is_failed, "does_not_comply", "says that the test was failed"),
        (certificate.is_altered, "invalid_signature", "has a document whose signature is invalid"),
        (
            certificate.is_unaccredited,
            "lab_not_accredited",
            "was issued after the lab's accreditation had ended",
        ),
        (
            replaced_from is not None and replaced_from <= day,
            "superseded",
            "was replaced by a later revision",
        ),
        (
            invalid_on is not None and invalid_on <= day,
            "invalidated_by_change",
            f"covers nothing from {invalid_on} on, by a change of the supplier",
        ),
        (
            recalled_on is not None and recalled_on <= day,
            "recalled",
            f"was recalled from {recalled_on} on",
        ),
        (expires_on is not None and expires_on < day, "expired", f"was valid through {expires_on}"),
        (
            certificate.effective_on > day,
            "not_yet_effective",
            f"takes effect on {certificate.effective_on}",
        ),
    )
    for applies, code, text in rules:
        if applies:
            return CoverReason(code, f"{certificate} {text}.")
    return None


def scope_objection(
    certificate: CertificateFacts, game_code: str, running: Running
) -> CoverReason | None:
    """Return why the report, in force, does not reach this build or variant of the game."""
    builds = [claim for claim in certificate.builds if claim.game_code == game_code]
    return _build_objection(certificate, builds, running) or _variant_objection(
        certificate, claims_on_variants(certificate, game_code), running
    )


def claims_on_variants(certificate: CertificateFacts, game_code: str) -> list[VariantClaim]:
    """Return what the report says of the game's variants; codes go before a list of figures."""
    claims = [claim for claim in certificate.variants if claim.game_code in {"", game_code}]
    return [claim for claim in claims if claim.code] or claims


def _build_objection(
    certificate: CertificateFacts, claims: Sequence[BuildClaim], running: Running
) -> CoverReason | None:
    if not claims:
        return _unnamed_build_objection(certificate, running)
    named, build = _versions(claims), running.build
    if build is None and all(claim.is_from_document for claim in claims):
        return None
    if build is None:
        text = f"{certificate} is for build {named}, and which build runs is not on file."
        return CoverReason("build_unknown", text)
    return _named_build_objection(certificate, claims, running, build, named)


def _named_build_objection(
    certificate: CertificateFacts,
    claims: Sequence[BuildClaim],
    running: Running,
    build: BuildFacts,
    named: str,
) -> CoverReason | None:
    matched = [
        (claim, heir)
        for claim in claims
        for heir in running.heirs_of
        if _is_match(claim, heir, running.channel)
    ]
    if not matched:
        text = f"{certificate} is for build {named}, not for {build.version}."
        return CoverReason("other_build", text)
    if not all(_is_other_package(claim, heir, running) for claim, heir in matched):
        return None
    text = f"{certificate} certifies another package of build {build.version} than what runs."
    return CoverReason("digest_mismatch", text)


def _unnamed_build_objection(certificate: CertificateFacts, running: Running) -> CoverReason | None:
    if running.build is None or not running.needs_own_report:
        return None
    text = (
        f"No build is on file for {certificate}, and build {running.build.version} came by a "
        "change that needs a report of its own."
    )
    return CoverReason("build_changed", text)


def _versions(claims: Iterable[BuildClaim]) -> str:
    return ", ".join(sorted({claim.version for claim in claims}))


def _is_match(claim: BuildClaim, build: BuildFacts, channel: str) -> bool:
    played_on = channel if build.channel == Channel.ANY else build.channel
    return (
        claim.version == build.version
        and claim.channel in {Channel.ANY, played_on}
        and _agrees(claim.platform_version, build.platform_version)
        and _agrees(claim.engine_version, build.engine_version)
        and _agrees(claim.client_revision, build.client_revision)
        and _agrees(claim.rng_version, build.rng_version)
        and _agrees(claim.digest, build.digest)
    )


def _agrees(stated: str, known: str) -> bool:
    return not stated or not known or stated == known


def _is_other_package(claim: BuildClaim, heir: BuildFacts, running: Running) -> bool:
    # A report that carries over by a minor change states the digest of the build before it.
    is_itself = running.build is not None and heir.id == running.build.id
    return is_itself and bool(claim.digest and running.digest) and claim.digest != running.digest


def _variant_objection(
    certificate: CertificateFacts, claims: Sequence[VariantClaim], running: Running
) -> CoverReason | None:
    variant = running.variant
    if variant is None:
        return _unknown_variant_objection(certificate, claims)
    if not claims or any(
        claim.code in {"", variant.code} and claim.rtp_percent == variant.rtp_percent
        for claim in claims
    ):
        return None
    figures = sorted({claim.rtp_percent for claim in claims})
    text = (
        f"{certificate} certifies {', '.join(percent_figure(figure) for figure in figures)} %, "
        f"not variant {variant.code} ({display_percent(variant.rtp_percent)})."
    )
    return CoverReason("other_variant", text)


def _unknown_variant_objection(
    certificate: CertificateFacts, claims: Sequence[VariantClaim]
) -> CoverReason | None:
    # A bare list of figures, as registers carry it, says what was tested and not what may run.
    if not any(claim.code for claim in claims):
        return None
    named = ", ".join(sorted({claim.code for claim in claims}))
    text = f"{certificate} is for variant {named}, and which variant runs is not on file."
    return CoverReason("variant_unknown", text)


def remarks_on(
    certificate: CertificateFacts, game_code: str, running: Running
) -> Iterable[CoverReason]:
    """Yield what an officer should know of a report that covers."""
    builds = [claim for claim in certificate.builds if claim.game_code == game_code]
    if not builds:
        text = f"No build of {game_code} is on file for {certificate}."
        yield CoverReason("names_no_build", text)
    elif running.build is None:
        text = (
            f"The document of {certificate} names build {_versions(builds)} of {game_code}; which "
            "one runs is not on file."
        )
        yield CoverReason("build_not_on_file", text)
    elif not any(_is_match(claim, running.build, running.channel) for claim in builds):
        text = f"{certificate} carries over to build {running.build.version} by minor changes."
        yield CoverReason("carried_over", text)
    if running.variant is None and claims_on_variants(certificate, game_code):
        text = f"Which RTP variant of {game_code} runs is not on file."
        yield CoverReason("variant_not_on_file", text)
