"""From a document to a certificate: a draft, a person's word on each field, a decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from apps.core.history import note_edit
from apps.core.reasons import require_reason
from apps.core.services import record_audit
from apps.providers.enums import DraftState, SignatureState
from apps.providers.errors import (
    CertificateEntryError,
    DraftFieldsError,
    DraftStateError,
    UnknownCertificateError,
)
from apps.providers.models import Certificate, CertificateDraft, DraftField, UploadBatch
from apps.providers.pdf.contracts import VettedPdf
from apps.providers.pdf.text import stated_facts
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.register.entries import CertificateEntry, read_entry
from apps.providers.register.names import display_name
from apps.providers.register.reading import FIELD_NAMES, FIELDS, read_fields
from apps.providers.selectors.certificates import lab_by_name, roots_in_force
from apps.providers.selectors.drafts import draft_remarks, lab_proposals, open_draft_of
from apps.providers.services.certificates import Registration, register_kept_document
from apps.providers.services.intake import Sender, admit, document_row, keep_bytes
from apps.providers.services.store import drop
from apps.providers.services.trust import judge_signature

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Upload:
    """One file as it came in; ``given`` is its row of a spreadsheet, if it has one."""

    data: bytes
    name: str
    given: Mapping[str, str] = field(default_factory=dict)
    batch: UploadBatch | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """The draft of a file; ``is_new`` is False where it waited for review already."""

    draft: CertificateDraft
    is_new: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's decision on a draft. ``is_new_lab``: they say the laboratory is not on file."""

    draft_id: int
    acting_user: AbstractBaseUser
    reason: str
    now: datetime
    is_new_lab: bool = False


def open_draft(upload: Upload, sender: Sender) -> Opened:
    """Take a document in as a draft for a person to review; it proves nothing by itself.

    The same bytes again, while they wait for review, return the first draft. The file is stored
    before the transaction and taken away again if that fails.

    Raises:
        PdfRefusedError: with every reason; the file is kept apart in quarantine.
        PdfCheckerUnavailableError, StoreUnavailableError: nothing was taken.
    """
    vetted = admit(upload.data, upload.name, sender)
    waiting = open_draft_of(vetted.sha256)
    if waiting is not None:
        return Opened(waiting, is_new=False)
    values = _extracted(vetted, upload)
    lab = lab_by_name(values["lab"])
    if lab is not None and vetted.signature.state.value == SignatureState.UNTRUSTED:
        # Whose roots count is known only now that the document was read.
        pems = roots_in_force(lab).pems
        vetted = sender.vetter.vet(upload.data, trusted_pems=pems, moment=sender.now)
    key = keep_bytes(upload.data, sender)
    is_kept = False
    try:
        opened = _write_draft(upload, vetted, key, sender)
        is_kept = opened.draft.document.storage_key == key
    finally:
        if not is_kept:
            drop(key)
    return opened


def _extracted(vetted: VettedPdf, upload: Upload) -> dict[str, str]:
    values = read_fields(stated_facts(vetted.text))
    wanted = upload.given.get("lab") or values["lab"]
    proposals = lab_proposals(wanted)
    return {**values, "lab": proposals[0].value if proposals else wanted}


@transaction.atomic
def _write_draft(upload: Upload, vetted: VettedPdf, key: str, sender: Sender) -> Opened:
    document = document_row(vetted, upload.name, key, sender)
    user = sender.acting_user
    draft, is_new = CertificateDraft.objects.get_or_create(
        document=document,
        state=DraftState.OPEN,
        defaults={
            "door": sender.door,
            "client_name": sender.client_name,
            "file_name": display_name(upload.name),
            "batch": upload.batch,
            "created_at": sender.now,
            "uploaded_by_id": user.pk if user else None,
        },
    )
    if not is_new:
        return Opened(draft, is_new=False)
    values = read_fields(stated_facts(vetted.text))
    places = {place.field: place for place in vetted.places}
    places |= {"provider": places["supplier"]} if "supplier" in places else {}
    DraftField.objects.bulk_create(
        DraftField(
            draft=draft,
            name=name,
            extracted_value=values[name],
            given_value=upload.given.get(name, "").strip(),
            page=places[name].page if name in places else None,
            box=_box(places[name]) if name in places else None,
        )
        for name in FIELD_NAMES
    )
    record_audit(
        action="providers.draft.opened",
        actor=user,
        subject=f"draft:{draft.pk}",
        details={"sha256": document.sha256, "door": sender.door.value},
        now=sender.now,
    )
    return Opened(draft, is_new=True)


def _box(place: object) -> list[float]:
    return [getattr(place, name) for name in ("left", "top", "width", "height")]


def draft_facts(draft: CertificateDraft) -> dict[str, object]:
    """Return what a machine that handed a document in may know of its draft."""
    fields = draft.fields.order_by("pk")
    values = {item.name: item.extracted_value for item in fields}
    remarks = draft_remarks(draft.document, values, draft.created_at.astimezone(UTC).date())
    return {
        "draft_id": draft.pk,
        "state": draft.state,
        "sha256": draft.document.sha256,
        "signature": draft.document.signature_state,
        "read": [{"name": name, "value": value} for name, value in values.items()],
        "remarks": [{"code": remark.code, "text": remark.text} for remark in remarks],
    }


@transaction.atomic
def confirm_fields(
    *, draft_id: int, values: Mapping[str, str], acting_user: AbstractBaseUser, now: datetime
) -> CertificateDraft:
    """Record a person's word on some fields of a draft: as it is right, or corrected.

    A field may be confirmed again with another value until the draft is decided; each time is
    kept in its history.

    Raises:
        UnknownCertificateError, DraftStateError
    """
    draft = _open_draft(draft_id)
    changed = []
    for item in draft.fields.select_for_update().filter(name__in=values).order_by("pk"):
        value = values[item.name].strip()
        if item.confirmed_at is not None and item.confirmed_value == value:
            continue
        item.confirmed_value = value
        item.confirmed_at, item.confirmed_by_id = now, acting_user.pk
        note_edit(item, acting_user=acting_user, reason="Confirmed in review.", now=now)
        item.save(update_fields=["confirmed_value", "confirmed_at", "confirmed_by"])
        changed.append(item.name)
    if changed:
        record_audit(
            action="providers.draft.confirmed",
            actor=acting_user,
            subject=f"draft:{draft.pk}",
            details={"fields": changed},
            now=now,
        )
    return draft


def register_draft(decision: Decision, vetter: PdfVetter) -> Certificate:
    """Make the certificate that a person has confirmed field by field.

    Raises:
        DraftFieldsError: by field, what is not confirmed or not well formed.
        CertificateConflictError: this revision is on file with other content.
        ReasonRequiredError, UnknownCertificateError, DraftStateError
    """
    certificate = _register(decision, vetter)
    lab, document = certificate.lab, certificate.document
    judge_signature(document, lab, vetter, decision.now)
    return certificate


@transaction.atomic
def _register(decision: Decision, vetter: PdfVetter) -> Certificate:
    require_reason(decision.reason)
    draft = _open_draft(decision.draft_id)
    entry = _confirmed_entry(draft, is_new_lab=decision.is_new_lab)
    registered = register_kept_document(
        entry,
        draft.document,
        Registration(decision.acting_user, decision.reason, decision.now, vetter),
    )
    if not registered.is_new:
        message = f"{registered.certificate} is registered with this document already; discard it."
        raise DraftStateError(message)
    _decide(draft, DraftState.REGISTERED, decision, registered.certificate)
    return registered.certificate


def _confirmed_entry(draft: CertificateDraft, *, is_new_lab: bool) -> CertificateEntry:
    items = {item.name: item for item in draft.fields.all()}
    problems = {
        kind.name: f"{kind.label}: nobody has confirmed it."
        for kind in FIELDS
        if items[kind.name].confirmed_at is None
    }
    if problems:
        raise DraftFieldsError(problems)
    values = {name: item.confirmed_value for name, item in items.items()}
    try:
        entry = read_entry({**values, "file": draft.file_name})
    except CertificateEntryError as error:
        raise DraftFieldsError(by_field(error.problems)) from error
    _judge_lab(entry.lab, is_new_lab=is_new_lab)
    return entry


def _judge_lab(name: str, *, is_new_lab: bool) -> None:
    if is_new_lab or lab_by_name(name) is not None:
        return
    alike = lab_proposals(name)
    hint = f" It is {alike[0].percent} % like {alike[0].value}." if alike else ""
    message = f"'{name}' is no known laboratory.{hint} Say so if it is a new one."
    raise DraftFieldsError({"lab": message})


def by_field(problems: list[str]) -> dict[str, str]:
    """Return the problems of an entry by the field that each begins with."""
    found: dict[str, str] = {}
    for problem in problems:
        name = problem.split(" ", 1)[0]
        found[name] = f"{found[name]} {problem}" if name in found else problem
    return found


@transaction.atomic
def discard_draft(decision: Decision) -> CertificateDraft:
    """Decide that a document becomes no certificate; it stays on file with the reason.

    Raises:
        ReasonRequiredError, UnknownCertificateError, DraftStateError
    """
    require_reason(decision.reason)
    draft = _open_draft(decision.draft_id)
    _decide(draft, DraftState.DISCARDED, decision, None)
    return draft


def _open_draft(draft_id: int) -> CertificateDraft:
    draft = (
        CertificateDraft.objects.select_for_update(of=("self",))
        .select_related("document")
        .filter(pk=draft_id)
        .first()
    )
    if draft is None:
        raise UnknownCertificateError(draft_id)
    if draft.state != DraftState.OPEN:
        message = f"{draft} is {DraftState(draft.state).label.lower()} already."
        raise DraftStateError(message)
    return draft


def _decide(
    draft: CertificateDraft,
    state: DraftState,
    decision: Decision,
    certificate: Certificate | None,
) -> None:
    draft.state, draft.reason = state, decision.reason
    draft.decided_at, draft.decided_by_id = decision.now, decision.acting_user.pk
    draft.certificate = certificate
    draft.save(update_fields=["state", "reason", "decided_at", "decided_by", "certificate"])
    record_audit(
        action=f"providers.draft.{state.value}",
        actor=decision.acting_user,
        subject=f"draft:{draft.pk}",
        details={"certificate_id": certificate.pk if certificate else None},
        reason=decision.reason,
        now=decision.now,
    )
