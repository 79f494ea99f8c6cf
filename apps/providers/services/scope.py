"""What an officer adds to a registered report: its builds, its terms, and what ended it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction

from apps.core.history import note_edit
from apps.core.services import publish, record_audit
from apps.providers.enums import CertificateState, ChangeClass, Channel, DigestAlgorithm
from apps.providers.errors import (
    CertificateStateError,
    RegisterRowConflictError,
    TimesError,
    UnknownCertificateError,
    UnknownRegisterRowError,
)
from apps.providers.events import ReportTakenBack
from apps.providers.models import (
    Certificate,
    CertificateRtpVariant,
    CertifiedBuild,
    CriticalFile,
    Lab,
    LabAccreditation,
    SupplierChange,
)
from apps.providers.selectors.catalogue import games_judged_with, unaccredited_reports
from apps.providers.services.builds import Editing
from apps.providers.services.past_cover import (
    tell_of_accreditation,
    tell_of_claim,
    tell_of_past_cover,
    tell_of_report,
)


@dataclass(frozen=True, slots=True)
class FileDigest:
    """A critical file as the report prints it."""

    path: str
    algorithm: DigestAlgorithm
    digest: str
    seed: str = ""


@dataclass(frozen=True, slots=True)
class NamedBuild:
    """A build that the report names, with its critical files; what it leaves open is empty."""

    game_code: str
    build_version: str
    channel: str = Channel.ANY
    platform_version: str = ""
    engine_version: str = ""
    client_revision: str = ""
    rng_version: str = ""
    digest: str = ""
    files: Sequence[FileDigest] = field(default=())


@transaction.atomic
def name_build(certificate_id: int, named: NamedBuild, editing: Editing) -> CertifiedBuild:
    """Record a build that the report names; from then on it covers that game only in its builds.

    The same again returns the first.

    Raises:
        ReasonRequiredError, UnknownCertificateError
        CertificateStateError: the report does not name the game, or was withdrawn.
        RegisterRowConflictError: the build is on file with other content.
    """
    editing.require_reason()
    certificate = _lock(certificate_id)
    _require_named(certificate, named.game_code)
    facts = {name: value for name, value in asdict(named).items() if name != "files"}
    known = certificate.builds.filter(
        game_code=named.game_code, build_version=named.build_version, channel=named.channel
    ).first()
    if known is not None:
        _require_same(known, facts, named)
        return known
    build = CertifiedBuild.objects.create(certificate=certificate, created_at=editing.now, **facts)
    CriticalFile.objects.bulk_create(
        CriticalFile(build=build, **_lowered(file)) for file in named.files
    )
    details = {**facts, "files": len(named.files)}
    _audit("providers.certificate.build_named", certificate, details, editing)
    tell_of_claim(certificate, named.game_code, now=editing.now)
    return build


@dataclass(frozen=True, slots=True)
class NamedVariant:
    """An RTP variant that the report names by its code."""

    game_code: str
    variant_code: str
    rtp_percent: Decimal


@transaction.atomic
def name_variant(
    certificate_id: int, named: NamedVariant, editing: Editing
) -> CertificateRtpVariant:
    """Record a variant that the report names; from then on codes decide for that game, not figures.

    The same again returns the first.

    Raises:
        ReasonRequiredError, UnknownCertificateError
        CertificateStateError: the report does not name the game, or was withdrawn.
    """
    editing.require_reason()
    certificate = _lock(certificate_id)
    _require_named(certificate, named.game_code)
    variant, is_new = CertificateRtpVariant.objects.get_or_create(
        certificate=certificate, **asdict(named)
    )
    if is_new:
        details = {**asdict(named), "rtp_percent": str(named.rtp_percent)}
        _audit("providers.certificate.variant_named", certificate, details, editing)
        tell_of_claim(certificate, named.game_code, now=editing.now)
    return variant


@dataclass(frozen=True, slots=True)
class ReportTerms:
    """What stands in a report besides its scope: who signed, under which conditions, for what."""

    signatory: str
    conditions: str
    supersedes_id: int | None


@transaction.atomic
def set_terms(certificate_id: int, terms: ReportTerms, editing: Editing) -> Certificate:
    """Record signatory, conditions and the report that this one replaces.

    Raises:
        ReasonRequiredError, UnknownCertificateError
        CertificateStateError: it would replace itself, a report issued after it, or a row that was
            withdrawn as a mistake.
    """
    editing.require_reason()
    if terms.supersedes_id is None:
        certificate = _lock(certificate_id)
    else:
        # Both, so that the row that is named is not withdrawn meanwhile: the right one would
        # be registered beside it and nothing would point at that.
        certificate, replaced = _lock_both(certificate_id, terms.supersedes_id)
        if terms.supersedes_id != certificate.supersedes_id:
            _require_registered(replaced)
        if replaced.pk == certificate.pk or replaced.issued_on > certificate.issued_on:
            raise CertificateStateError("A report replaces an earlier one.")
    is_moved = certificate.supersedes_id != terms.supersedes_id
    judged_before = games_judged_with(certificate) if is_moved else []
    certificate.signatory, certificate.conditions = terms.signatory, terms.conditions
    certificate.supersedes_id = terms.supersedes_id
    note_edit(certificate, acting_user=editing.acting_user, reason=editing.reason, now=editing.now)
    certificate.save(update_fields=["signatory", "conditions", "supersedes"])
    _audit("providers.certificate.terms_set", certificate, asdict(terms), editing)
    if is_moved:
        # What is no longer replaced counts again, and what now is counts no more.
        games = {*judged_before, *games_judged_with(certificate)}
        tell_of_past_cover(games, certificate.effective_on, now=editing.now)
    return certificate


def replace_right_row(certificate: Certificate, editing: Editing) -> None:
    """Have what replaces a withdrawn row of this revision replace the right row, just registered.

    A report is replaced, not the row that somebody mistyped: it would be in force again.
    """
    replacing = Certificate.objects.select_for_update(of=["self"]).filter(
        supersedes__lab=certificate.lab_id,
        supersedes__report_number=certificate.report_number,
        supersedes__revision=certificate.revision,
        supersedes__state=CertificateState.WITHDRAWN,
    )
    for report in replacing.order_by("pk"):
        old, report.supersedes = report.supersedes_id, certificate
        note_edit(report, acting_user=editing.acting_user, reason=editing.reason, now=editing.now)
        report.save(update_fields=["supersedes"])
        details = {"old_supersedes_id": old, "supersedes_id": certificate.pk}
        _audit("providers.certificate.replaces_right_row", report, details, editing)


@transaction.atomic
def invalidate_certificate(
    *, certificate_id: int, change_id: int, on: date, editing: Editing
) -> Certificate:
    """Record that a supplier's major change ended a report; from that day on it covers nothing.

    Raises:
        ReasonRequiredError, UnknownCertificateError, UnknownRegisterRowError
        CertificateStateError: it was withdrawn or ended already, or the change is a minor one.
    """
    editing.require_reason()
    certificate = _lock(certificate_id)
    _require_registered(certificate)
    change = SupplierChange.objects.filter(pk=change_id).first()
    if change is None:
        raise UnknownRegisterRowError(f"There is no change {change_id}.")
    if change.classification != ChangeClass.MAJOR:
        raise CertificateStateError("Only a major change ends a report.")
    if certificate.invalidated_on is not None:
        raise CertificateStateError(f"{certificate} ended on {certificate.invalidated_on} already.")
    certificate.invalidated_on, certificate.invalidated_by = on, change
    note_edit(certificate, acting_user=editing.acting_user, reason=editing.reason, now=editing.now)
    certificate.save(update_fields=["invalidated_on", "invalidated_by"])
    details = {"change_id": change_id, "on": on.isoformat()}
    _audit("providers.certificate.invalidated", certificate, details, editing)
    publish(ReportTakenBack(certificate_id=certificate.pk), now=editing.now)
    tell_of_report(certificate, on, now=editing.now)
    return certificate


@transaction.atomic
def recall_certificate(*, certificate_id: int, on: date, editing: Editing) -> Certificate:
    """Record that the lab or an authority took a report back; from that day on it covers nothing.

    What was played under it before keeps its proof, and the report its place among the revisions. A
    row that was registered by mistake is withdrawn instead (``withdraw_certificate``).

    Raises:
        ReasonRequiredError, UnknownCertificateError
        CertificateStateError: it was withdrawn or recalled already, or issued only after that day.
    """
    editing.require_reason()
    certificate = _lock(certificate_id)
    _require_registered(certificate)
    if certificate.recalled_on is not None:
        raise CertificateStateError(
            f"{certificate} was recalled from {certificate.recalled_on} on already."
        )
    if on < certificate.issued_on:
        raise CertificateStateError(f"{certificate} was issued on {certificate.issued_on} only.")
    certificate.recalled_on = on
    note_edit(certificate, acting_user=editing.acting_user, reason=editing.reason, now=editing.now)
    certificate.save(update_fields=["recalled_on"])
    _audit("providers.certificate.recalled", certificate, {"on": on.isoformat()}, editing)
    publish(ReportTakenBack(certificate_id=certificate.pk), now=editing.now)
    tell_of_report(certificate, on, now=editing.now)
    return certificate


@transaction.atomic
def record_review(certificate_id: int, *, next_on: date, editing: Editing) -> Certificate:
    """Record that somebody reviewed a report and that it holds, until its next review.

    Raises:
        ReasonRequiredError, UnknownCertificateError
        CertificateStateError: it was withdrawn, or is not reviewed at all.
        TimesError: the next review does not lie ahead, and after the one that was due.
    """
    editing.require_reason()
    certificate = _lock(certificate_id)
    _require_registered(certificate)
    due_on = certificate.review_due_on
    if due_on is None:
        raise CertificateStateError(f"{certificate} has no review: it ends by its expiry.")
    if next_on <= max(due_on, editing.now.date()):
        raise TimesError(f"The next review lies ahead, and after {due_on}.")
    certificate.review_due_on = next_on
    note_edit(certificate, acting_user=editing.acting_user, reason=editing.reason, now=editing.now)
    certificate.save(update_fields=["review_due_on"])
    details = {"was_due_on": due_on.isoformat(), "next_on": next_on.isoformat()}
    _audit("providers.certificate.reviewed", certificate, details, editing)
    return certificate


@dataclass(frozen=True, slots=True)
class Term:
    """One accreditation of a lab, for a span of days."""

    body: str
    number: str
    valid_from: date
    valid_until: date
    scope: str = ""


@transaction.atomic
def accredit_lab(lab_id: int, term: Term, editing: Editing) -> LabAccreditation:
    """Record an accreditation of a lab; the same again returns the first.

    Raises:
        ReasonRequiredError, UnknownRegisterRowError
        TimesError: it would end before it starts.
        RegisterRowConflictError: the term is on file with another end or scope.
    """
    editing.require_reason()
    if term.valid_until < term.valid_from:
        raise TimesError("An accreditation ends after it starts.")
    lab = Lab.objects.select_for_update().filter(pk=lab_id).first()
    if lab is None:
        raise UnknownRegisterRowError(f"There is no lab {lab_id}.")
    known = LabAccreditation.objects.filter(
        lab=lab, body=term.body, number=term.number, valid_from=term.valid_from
    ).first()
    if known is not None:
        if (known.valid_until, known.scope) != (term.valid_until, term.scope):
            raise RegisterRowConflictError(f"{known} is on file with another end or scope.")
        return known
    accreditation = LabAccreditation(lab=lab, created_at=editing.now, **asdict(term))
    note_edit(
        accreditation, acting_user=editing.acting_user, reason=editing.reason, now=editing.now
    )
    lacking = unaccredited_reports(lab.pk)
    accreditation.save(force_insert=True)
    tell_of_accreditation(lacking, unaccredited_reports(lab.pk), now=editing.now)
    record_audit(
        action="providers.lab.accredited",
        actor=editing.acting_user,
        subject=f"lab:{lab.pk}",
        details={name: str(value) for name, value in asdict(term).items()},
        reason=editing.reason,
        now=editing.now,
    )
    return accreditation


def _lock(certificate_id: int) -> Certificate:
    certificate = Certificate.objects.select_for_update().filter(pk=certificate_id).first()
    if certificate is None:
        raise UnknownCertificateError(certificate_id)
    return certificate


def _lock_both(first_id: int, second_id: int) -> tuple[Certificate, Certificate]:
    rows = Certificate.objects.select_for_update().filter(pk__in=[first_id, second_id])
    found = {row.pk: row for row in rows.order_by("pk")}
    for pk in (first_id, second_id):
        if pk not in found:
            raise UnknownCertificateError(pk)
    return found[first_id], found[second_id]


def _require_registered(certificate: Certificate) -> None:
    if certificate.state == CertificateState.WITHDRAWN:
        raise CertificateStateError(f"{certificate} was withdrawn.")


def _require_named(certificate: Certificate, game_code: str) -> None:
    _require_registered(certificate)
    if not certificate.games.filter(game_code=game_code).exists():
        raise CertificateStateError(f"{certificate} does not name {game_code}.")


def _lowered(file: FileDigest) -> dict[str, str]:
    return {
        "path": file.path,
        "algorithm": file.algorithm,
        "digest": file.digest.lower(),
        "seed": file.seed.lower(),
    }


def _require_same(known: CertifiedBuild, facts: dict[str, Any], named: NamedBuild) -> None:
    digests = {(file.path, file.algorithm, file.seed, file.digest) for file in known.files.all()}
    given = {
        (file["path"], file["algorithm"], file["seed"], file["digest"])
        for file in map(_lowered, named.files)
    }
    is_same = all(getattr(known, name) == value for name, value in facts.items())
    if not is_same or digests != given:
        raise RegisterRowConflictError(f"Build {known} is on file with other content.")


def _audit(
    action: str, certificate: Certificate, details: dict[str, Any], editing: Editing
) -> None:
    record_audit(
        action=action,
        actor=editing.acting_user,
        subject=f"certificate:{certificate.pk}",
        details={"report": str(certificate), **details},
        reason=editing.reason,
        now=editing.now,
    )
