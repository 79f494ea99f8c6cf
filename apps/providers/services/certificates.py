"""Register a certificate with its document, and withdraw it."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from apps.core.history import note_edit
from apps.core.reasons import require_reason
from apps.core.services import publish, record_audit
from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.players.errors import RehearsalPlaceError
from apps.providers.enums import CertificateResult, CertificateState, Door
from apps.providers.errors import (
    CertificateConflictError,
    CertificateStateError,
    UnknownCertificateError,
)
from apps.providers.events import ReportTakenBack
from apps.providers.models import (
    Certificate,
    Document,
    Lab,
)
from apps.providers.pdf.contracts import VettedPdf
from apps.providers.pdf.text import stated_facts
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.register.compare import stated_result
from apps.providers.register.entries import CertificateEntry
from apps.providers.register.stated import as_stated, with_stated_limits
from apps.providers.selectors import certificates as selectors
from apps.providers.services.builds import Editing
from apps.providers.services.intake import Sender, admit, document_row, keep_bytes
from apps.providers.services.past_cover import tell_of_new_report, tell_of_report
from apps.providers.services.report_rows import write_builds, write_findings, write_scope
from apps.providers.services.scope import replace_right_row
from apps.providers.services.store import drop
from apps.providers.services.trust import lab_named


@dataclass(frozen=True, slots=True)
class Registration:
    """Who registers, why, when, by which door, and with which running PDF checker.

    ``is_rehearsal`` is the acceptance kit's: its document says itself that it is no certificate.
    """

    acting_user: AbstractBaseUser | None
    reason: str
    now: datetime
    vetter: PdfVetter
    door: Door = Door.COMMAND
    is_rehearsal: bool = False

    @property
    def sender(self) -> Sender:
        return Sender(self.door, self.acting_user, self.now, self.vetter)


@dataclass(frozen=True, slots=True)
class Registered:
    """The certificate on file; ``is_new`` is False where the very same was there already."""

    certificate: Certificate
    is_new: bool


def register_certificate(
    entry: CertificateEntry, data: bytes, registration: Registration
) -> Registered:
    """Vet the document, keep it and register the certificate, or leave no trace of either.

    The same entry with the same bytes again returns the first and writes nothing, a withdrawn row
    too: a register that is read again does not bring back what a person took out. Where the rows
    of the revision are all withdrawn, an entry that says otherwise is registered beside them. The
    file is stored before the transaction and taken away again if that fails, so there is never a
    certificate without its document.

    Raises:
        PdfRefusedError: the file is not a plain, safe PDF; carries every reason.
        CertificateConflictError: this revision is on file with other content.
        CertificateEntryError: the row says no result, and its document none that is clear.
        RehearsalPlaceError: a real report names the rehearsals' jurisdiction.
        PdfCheckerUnavailableError: the checker gave no answer.
        StoreUnavailableError
    """
    lab = selectors.lab_by_name(entry.lab)
    existing = selectors.certificate_of(lab, entry.report_number, entry.revision) if lab else None
    sha256 = hashlib.sha256(data).hexdigest()
    if lab and (existing is None or existing.document.sha256 == sha256):
        # Bytes that are on file were vetted when they were taken.
        found = _on_file(lab, entry, sha256)
        if found is not None:
            return found
    sender = registration.sender
    roots = selectors.roots_in_force(lab)
    vetted = admit(data, entry.file, sender, roots.pems)
    if existing is not None:
        return _same_or_conflict(existing, entry, sha256)
    entry = as_stated(entry, stated_facts(vetted.text))

    key = keep_bytes(data, sender)
    is_kept = False
    try:
        registered = _write(entry, vetted, key, roots.decisions, registration)
        is_kept = registered.certificate.document.storage_key == key
    finally:
        # Refused, lost a race, or the bytes were on file already: this copy belongs to no row.
        if not is_kept:
            drop(key)
    return registered


@transaction.atomic
def _write(
    entry: CertificateEntry,
    vetted: VettedPdf,
    storage_key: str,
    decisions: int,
    registration: Registration,
) -> Registered:
    lab = _locked_lab(entry.lab, registration.now)
    found = _on_file(lab, entry, vetted.sha256)
    if found is not None:
        return found
    document = document_row(
        vetted, entry.file, storage_key, registration.sender, judged_after_decisions=decisions
    )
    return Registered(_write_certificate(lab, entry, document, registration), is_new=True)


@transaction.atomic
def register_kept_document(
    entry: CertificateEntry, document: Document, registration: Registration
) -> Registered:
    """Register a certificate for a document that passed the gate before, as a draft's did.

    A person decides here, so that a withdrawn row of the same revision is never in the way.

    Raises:
        CertificateConflictError: this revision is on file with other content.
        RehearsalPlaceError: a real report names the rehearsals' jurisdiction.
    """
    lab = _locked_lab(entry.lab, registration.now)
    existing = selectors.certificate_of(lab, entry.report_number, entry.revision)
    if existing is not None:
        return _same_or_conflict(existing, entry, document.sha256, is_confirmed=True)
    return Registered(_write_certificate(lab, entry, document, registration), is_new=True)


def _locked_lab(name: str, now: datetime) -> Lab:
    lab = lab_named(name, now=now)
    # The lab's row orders registrations of one lab, so that a concurrent twin is found after it.
    return Lab.objects.select_for_update().get(pk=lab.pk)


def _write_certificate(
    lab: Lab, entry: CertificateEntry, document: Document, registration: Registration
) -> Certificate:
    _require_places(entry, registration)
    now = registration.now
    certificate = Certificate(
        lab=lab,
        report_number=entry.report_number,
        revision=entry.revision,
        kind=entry.kind,
        provider_code=entry.provider_code,
        issued_on=entry.issued_on,
        effective_on=entry.effective_on or entry.issued_on,
        expires_on=entry.expires_on,
        review_due_on=entry.review_due_on,
        result=_result(entry, document),
        all_games=entry.all_games,
        conditions=entry.conditions,
        signatory=entry.signatory,
        document=document,
        is_rehearsal=registration.is_rehearsal,
        created_at=now,
    )
    note_edit(
        certificate, acting_user=registration.acting_user, reason=registration.reason, now=now
    )
    certificate.save(force_insert=True)
    write_scope(certificate, entry)
    write_builds(certificate, entry)
    write_findings(certificate, entry, selectors.provider_name(entry.provider_code))
    replace_right_row(
        certificate, Editing(registration.acting_user, registration.reason, registration.now)
    )
    record_audit(
        action="providers.certificate.registered",
        actor=registration.acting_user,
        subject=f"certificate:{certificate.pk}",
        details={
            "report_number": entry.report_number,
            "revision": entry.revision,
            "sha256": document.sha256,
            "signature": document.signature_state,
        },
        reason=registration.reason,
        now=now,
    )
    tell_of_new_report(certificate, now=now)
    return certificate


def _require_places(entry: CertificateEntry, registration: Registration) -> None:
    for place in entry.jurisdictions:
        if (place == REHEARSAL_JURISDICTION) != registration.is_rehearsal:
            raise RehearsalPlaceError(REHEARSAL_JURISDICTION)


def _result(entry: CertificateEntry, document: Document) -> CertificateResult:
    """Return the result; a document that says the test was failed is believed over anybody."""
    stated = stated_result(stated_facts(document.text))
    if stated == CertificateResult.DOES_NOT_COMPLY or entry.result is None:
        return stated
    return entry.result


def _on_file(lab: Lab, entry: CertificateEntry, sha256: str) -> Registered | None:
    existing = selectors.certificate_of(lab, entry.report_number, entry.revision)
    if existing is not None:
        return _same_or_conflict(existing, entry, sha256)
    withdrawn = selectors.withdrawn_rows_of(lab, entry.report_number, entry.revision)
    twin = next((row for row in withdrawn if not _differences(row, entry, sha256)), None)
    return None if twin is None else Registered(twin, is_new=False)


def _same_or_conflict(
    existing: Certificate, entry: CertificateEntry, sha256: str, *, is_confirmed: bool = False
) -> Registered:
    differences = _differences(existing, entry, sha256, is_confirmed=is_confirmed)
    if differences:
        raise CertificateConflictError(entry.report_number, entry.revision, differences)
    return Registered(existing, is_new=False)


def _differences(
    existing: Certificate, entry: CertificateEntry, sha256: str, *, is_confirmed: bool = False
) -> list[str]:
    on_file, given = _content(existing), _entry_content(entry, sha256)
    completed = given
    if not is_confirmed:
        # What a row leaves open was taken from the document; what a person does is meant.
        facts = stated_facts(existing.document.text)
        completed = _entry_content(with_stated_limits(entry, facts), sha256)
    return [
        f"{name} is {on_file[name] or 'empty'}, given was {given[name] or 'empty'}"
        for name in on_file
        if on_file[name] not in {given[name], completed[name]}
    ]


def _content(certificate: Certificate) -> dict[str, str]:
    return {
        "kind": certificate.kind,
        "provider": certificate.provider_code,
        "issued_on": str(certificate.issued_on),
        "expires_on": str(certificate.expires_on or ""),
        "standards": _listed(item.standard for item in certificate.standards.all()),
        "jurisdictions": _listed(item.jurisdiction for item in certificate.jurisdictions.all()),
        "games": "*"
        if certificate.all_games
        else _listed(i.game_code for i in certificate.games.all()),
        "rtp_variants": _percents(
            # Those that an officer tied to a game or code later are not of the register's row.
            item.rtp_percent
            for item in certificate.rtp_variants.filter(game_code="", variant_code="")
        ),
        "file (SHA-256)": certificate.document.sha256,
    }


def _entry_content(entry: CertificateEntry, sha256: str) -> dict[str, str]:
    # review_due_on is ours to move with a reason (record_review), so it is not part of what a
    # lab's revision must repeat.
    return {
        "kind": entry.kind.value,
        "provider": entry.provider_code,
        "issued_on": str(entry.issued_on),
        "expires_on": str(entry.expires_on or ""),
        "standards": _listed(entry.standards),
        "jurisdictions": _listed(entry.jurisdictions),
        "games": "*" if entry.all_games else _listed(entry.games),
        "rtp_variants": _percents(entry.rtp_variants),
        "file (SHA-256)": sha256,
    }


def _listed(values: Iterable[str]) -> str:
    return ", ".join(sorted(values))


def _percents(values: Iterable[Decimal]) -> str:
    return ", ".join(f"{value.normalize():f}" for value in sorted(values))


@transaction.atomic
def withdraw_certificate(
    *, certificate_id: int, acting_user: AbstractBaseUser | None, reason: str, now: datetime
) -> Certificate:
    """Take out a row that was registered by mistake; it stays on file and counts for no day.

    What was played under it was played without proof, its forerunner is not superseded by it, and
    the right row of the same revision may be registered. A report that the lab or an authority took
    back is recalled from a day on instead (``scope.recall_certificate``).

    Raises:
        ReasonRequiredError, UnknownCertificateError
        CertificateStateError: it is withdrawn already.
    """
    require_reason(reason)
    certificate = Certificate.objects.select_for_update().filter(pk=certificate_id).first()
    if certificate is None:
        raise UnknownCertificateError(certificate_id)
    if certificate.state == CertificateState.WITHDRAWN:
        message = f"{certificate} is withdrawn already."
        raise CertificateStateError(message)
    certificate.state = CertificateState.WITHDRAWN
    note_edit(certificate, acting_user=acting_user, reason=reason, now=now)
    certificate.save(update_fields=["state"])
    record_audit(
        action="providers.certificate.withdrawn",
        actor=acting_user,
        subject=f"certificate:{certificate.pk}",
        details={"report_number": certificate.report_number, "revision": certificate.revision},
        reason=reason,
        now=now,
    )
    publish(ReportTakenBack(certificate_id=certificate.pk), now=now)
    tell_of_report(certificate, certificate.effective_on, now=now)
    return certificate
