"""Decide whose signatures count, and look at the documents again when that changes."""

import hashlib
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import F, Q

from apps.core.history import find_or_add, note_edit
from apps.core.reasons import require_reason
from apps.core.services import record_audit
from apps.providers.enums import RootState, SignatureState
from apps.providers.errors import (
    CertificateStateError,
    DocumentAlteredError,
    InvalidRootError,
    UnknownCertificateError,
)
from apps.providers.models import Document, Lab, TrustedRoot
from apps.providers.pdf.signatures import load_certificate
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.register.names import display_name
from apps.providers.selectors import certificates as selectors
from apps.providers.services.past_cover import tell_of_signature
from apps.providers.services.store import read_document
from apps.staff.contracts import ApprovalGrant

logger = structlog.get_logger(__name__)

MAX_PEM_BYTES = 64 * 1024
SLICE_SECONDS: Final = 60.0
"""How long one task judges a lab's documents before another goes on, as with batches."""
_LEASE = timedelta(seconds=2 * SLICE_SECONDS)


@dataclass(frozen=True, slots=True)
class RootFile:
    """A PEM file as it lay somewhere; ``organisation`` is whom its subject names."""

    name: str
    pem: str
    subject: str
    organisation: str
    fingerprint: str
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Recheck:
    """A document whose signature now proves something else."""

    document_id: int
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What a root becomes and why: agreed by two people, or said at the command line."""

    state: RootState
    reason: str
    now: datetime
    agreed: ApprovalGrant | None = None


def read_root(name: str, data: bytes) -> RootFile:
    """Read one PEM file.

    Raises:
        InvalidRootError: not exactly a certificate that may sign others.
    """
    is_one = len(data) <= MAX_PEM_BYTES and data.count(b"-----BEGIN ") == 1
    try:
        pem = data.decode("ascii") if is_one else ""
        certificate = load_certificate(pem)
        names = certificate.subject.native
    except (ValueError, TypeError, KeyError) as error:
        message = f"{display_name(name)} is not a PEM file with one certificate."
        raise InvalidRootError(message) from error
    if not certificate.ca:
        message = f"{display_name(name)} is not the certificate of an authority."
        raise InvalidRootError(message)
    return RootFile(
        name=display_name(name),
        pem=pem,
        subject=str(certificate.subject.human_friendly)[:255],
        organisation=_organisation(names),
        fingerprint=hashlib.sha256(certificate.dump()).hexdigest(),
        not_before=certificate.not_valid_before,
        not_after=certificate.not_valid_after,
    )


def _organisation(names: dict[str, object]) -> str:
    value = names.get("organization_name", "")
    return value if isinstance(value, str) else ""


@transaction.atomic
def propose_root(*, lab_name: str, root: RootFile, now: datetime) -> TrustedRoot:
    """Put a root on file for an officer to decide on; one that is on file stays as it is."""
    lab = lab_named(lab_name, now=now)
    proposed = TrustedRoot(
        lab=lab,
        fingerprint=root.fingerprint,
        subject=root.subject,
        pem=root.pem,
        not_before=root.not_before,
        not_after=root.not_after,
        source=root.name,
        created_at=now,
    )
    on_file = TrustedRoot.objects.filter(lab=lab, fingerprint=root.fingerprint)
    kept, _ = find_or_add(on_file, proposed, reason="Proposed.", now=now)
    return kept


def lab_named(name: str, *, now: datetime) -> Lab:
    """Return the laboratory of this name, in whatever case; one not on file is added."""
    on_file = Lab.objects.filter(name__iexact=name).order_by("pk")
    lab, _ = find_or_add(
        on_file, Lab(name=name, created_at=now), reason="Named by a document.", now=now
    )
    return lab


@transaction.atomic
def upload_root(
    *, lab: Lab, name: str, data: bytes, acting_user: AbstractBaseUser | None, now: datetime
) -> TrustedRoot:
    """Put a root that somebody sent on file; it vouches for nothing until two people trust it.

    One that is on file for the laboratory is returned as it stands.

    Raises:
        InvalidRootError
    """
    root = propose_root(lab_name=lab.name, root=read_root(name, data), now=now)
    record_audit(
        action="providers.root.uploaded",
        actor=acting_user,
        subject=f"root:{root.pk}",
        details={"fingerprint": root.fingerprint, "lab_id": lab.pk},
        now=now,
    )
    return root


def lock_root(root_id: int) -> TrustedRoot:
    """Return a root with its lab, locked until the transaction ends.

    Raises:
        UnknownCertificateError
    """
    roots = TrustedRoot.objects.select_for_update(of=("self",)).select_related("lab")
    root = roots.filter(pk=root_id).first()
    if root is None:
        raise UnknownCertificateError(root_id)
    return root


def require_step(root: TrustedRoot, state: RootState) -> None:
    """Refuse a step that leads nowhere.

    Raises:
        CertificateStateError
    """
    if state in {RootState.PROPOSED, root.state}:
        message = f"The root {root.subject} is {root.state} and can't become {state}."
        raise CertificateStateError(message)


@transaction.atomic
def decide_root(*, root_id: int, decision: Decision) -> TrustedRoot:
    """Trust or withdraw a root; ``recheck_leased`` judges the lab's documents again.

    Raises:
        ReasonRequiredError, UnknownCertificateError
        CertificateStateError: it is in that state already.
    """
    require_reason(decision.reason)
    root = lock_root(root_id)
    require_step(root, decision.state)
    agreed = decision.agreed
    root.state, root.reason, root.decided_at = decision.state, decision.reason, decision.now
    root.requested_by_id = agreed.requested_by_id if agreed else None
    root.decided_by_id = agreed.approved_by_id if agreed else None
    root.approval_id = agreed.approval_id if agreed else None
    note_edit(root, acting_user=None, reason=decision.reason, now=decision.now)
    root.save(
        update_fields=["state", "reason", "decided_at", "requested_by", "decided_by", "approval"]
    )
    Lab.objects.filter(pk=root.lab_id).update(root_decisions=F("root_decisions") + 1)
    record_audit(
        action=f"providers.root.{decision.state.value}",
        actor=None,
        subject=f"root:{root.pk}",
        details={
            "fingerprint": root.fingerprint,
            "lab_id": root.lab_id,
            **({"approval_id": agreed.approval_id} if agreed else {"through": "command line"}),
        },
        reason=decision.reason,
        now=decision.now,
    )
    return root


def recheck_signatures(
    *, lab_id: int, vetter: PdfVetter, now: datetime, deadline: float | None = None
) -> list[Recheck]:
    """Judge what was judged before the lab's last decision on a root; return what changed.

    Files are read and vetted outside any transaction; each result is written by itself, so a run
    that is cut short, also by ``deadline`` (monotonic), goes on with the next. A stored file that
    is missing or altered becomes invalid.
    """
    lab = Lab.objects.get(pk=lab_id)
    changes = []
    for document in selectors.documents_to_judge_again(lab_id).defer("text").iterator(200):
        if deadline is not None and time.monotonic() > deadline:
            break
        before = document.signature_state
        judge_signature(document, lab, vetter, now)
        if document.signature_state != before:
            changes.append(
                Recheck(document.pk, document.original_name, before, document.signature_state)
            )
    logger.info("providers.signatures.rechecked", lab_id=lab_id, changed=len(changes))
    return changes


def lease_lab(*, now: datetime) -> int | None:
    """Claim a lab with documents to judge again, for one slice; None where nobody may take any.

    A worker that dies leaves its lease behind; it runs out.
    """
    free = Q(judging_until__isnull=True) | Q(judging_until__lt=now)
    for lab_id in selectors.labs_to_judge_again():
        if Lab.objects.filter(free, pk=lab_id).update(judging_until=now + _LEASE):
            return lab_id
    return None


def recheck_leased(*, lab_id: int, vetter: PdfVetter, now: datetime) -> list[Recheck]:
    """Judge the documents of a lab leased at ``now``, for a while, and give the lease back."""
    deadline = time.monotonic() + SLICE_SECONDS
    changes = recheck_signatures(lab_id=lab_id, vetter=vetter, now=now, deadline=deadline)
    Lab.objects.filter(pk=lab_id, judging_until=now + _LEASE).update(judging_until=None)
    return changes


def judge_signature(document: Document, lab: Lab, vetter: PdfVetter, now: datetime) -> None:
    """Judge one document against the roots trusted for ``lab``, and write what it is worth."""
    roots = selectors.roots_in_force(lab)
    found = _judge(document, roots.pems, vetter, now)
    with transaction.atomic():
        Document.objects.filter(pk=document.pk).update(
            **found, signature_checked_at=now, judged_after_decisions=roots.decisions
        )
        before, after = document.signature_state, found["signature_state"]
        tell_of_signature(document.pk, before, after, now=now)
    vars(document).update(found)


def _judge(document: Document, pems: list[str], vetter: PdfVetter, now: datetime) -> dict[str, str]:
    try:
        data = read_document(document)
    except DocumentAlteredError as error:
        return {
            "signature_state": SignatureState.INVALID.value,
            "signature_detail": str(error)[:255],
        }
    signature = vetter.vet(data, trusted_pems=pems, moment=now).signature
    return {
        "signature_state": SignatureState(signature.state.value).value,
        "signature_detail": signature.detail[:255],
    }
