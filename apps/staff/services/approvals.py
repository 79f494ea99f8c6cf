"""Four eyes: one person asks, another agrees, and then it happens, once."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction

from apps.core.canonical import content_hash, require_plain_json
from apps.core.errors import DomainError, ReasonRequiredError
from apps.core.services import record_audit
from apps.staff.approvals import ApprovalKind, approval_kind
from apps.staff.contracts import ApprovalGrant
from apps.staff.enums import ApprovalState
from apps.staff.errors import (
    AlreadyDecidedError,
    AlreadyPendingError,
    ApprovalVoidError,
    NotAllowedToDecideError,
    NotTheRequesterError,
    SelfApprovalError,
)
from apps.staff.locks import lock_approval, lock_user
from apps.staff.models import Approval, User

type Person = User | AnonymousUser


def request_approval(  # noqa: PLR0913 - seven facts of one record; a class would only repeat them
    *,
    kind: str,
    subject: str,
    title: str,
    payload: dict[str, Any],
    requested_by: Person,
    reason: str,
    now: datetime,
) -> Approval:
    """Ask for a second person's agreement to exactly ``payload``.

    ``payload`` holds plain JSON with everything that the decision is about, so that the approver
    sees it and its hash binds it.

    Raises:
        ReasonRequiredError: nobody said why.
        AlreadyPendingError: the same kind is pending for the same subject.
        UnknownApprovalKindError: no app handles ``kind``.
        NotAllowedToDecideError: the requester's account is not active.
        NotPlainJsonError: the payload would not be stored unchanged.
    """
    approval_kind(kind)
    words = _words(reason)
    if requested_by.pk is None:
        raise NotAllowedToDecideError("to ask")
    approval = Approval(
        kind=kind,
        subject=subject,
        title=title,
        payload=payload,
        payload_hash=content_hash(payload),
        requested_by_id=requested_by.pk,
        requested_at=now,
        request_reason=words,
    )
    with transaction.atomic():
        requester = lock_user(approval.requested_by_id)
        if not requester.is_active:
            raise NotAllowedToDecideError("to ask")
        try:
            with transaction.atomic():
                approval.save(force_insert=True)
        except IntegrityError as error:
            if "staff_approval_one_pending_per_subject" in str(error):
                raise AlreadyPendingError(subject) from error
            raise
        _audit(approval, "requested", requester, words, now)
    return approval


def approve(*, approval_id: int, user: Person, reason: str, now: datetime) -> Approval:
    """Agree, and run the kind's handler in the same transaction.

    What the handler raises goes up and leaves the approval pending. A second click finds it
    decided.

    Raises:
        ReasonRequiredError, UnknownApprovalError, AlreadyDecidedError: as they say.
        SelfApprovalError: ``user`` asked for it or edited its content.
        NotAllowedToDecideError: ``user`` is inactive or lacks the permission, in the database now.
        ApprovalVoidError: the content changed since the request. The approval is closed as void
            (provided this is not called inside a transaction that the error then undoes).
    """
    words = _words(reason)
    approval, why_void = _approve(approval_id=approval_id, user=user, words=words, now=now)
    if why_void:
        raise ApprovalVoidError(why_void)
    return approval


@transaction.atomic
def _approve(*, approval_id: int, user: Person, words: str, now: datetime) -> tuple[Approval, str]:
    approval = lock_approval(approval_id)
    kind = approval_kind(approval.kind)
    approver = _require_decider(approval, kind, user)
    why_void = _why_void(approval, kind)
    if why_void:
        _close(approval, ApprovalState.VOID, approver, why_void, now)
        return approval, why_void
    grant = ApprovalGrant(
        approval_id=approval.pk,
        kind=approval.kind,
        subject=approval.subject,
        payload=approval.payload,
        requested_by_id=approval.requested_by_id,
        approved_by_id=approver.pk,
        now=now,
    )
    result = kind.handler(grant)
    require_plain_json(result, "result")
    approval.executed_at = now
    approval.result = result
    _close(approval, ApprovalState.EXECUTED, approver, words, now)
    return approval, ""


@transaction.atomic
def reject(*, approval_id: int, user: Person, reason: str, now: datetime) -> Approval:
    """Refuse; nothing runs. Raises what ``approve`` raises, except ApprovalVoidError."""
    words = _words(reason)
    approval = lock_approval(approval_id)
    decider = _require_decider(approval, approval_kind(approval.kind), user)
    _close(approval, ApprovalState.REJECTED, decider, words, now)
    return approval


@transaction.atomic
def cancel(*, approval_id: int, user: Person, reason: str, now: datetime) -> Approval:
    """Take one's own request back.

    Raises:
        ReasonRequiredError, UnknownApprovalError, AlreadyDecidedError: as they say.
        NotTheRequesterError: somebody else asked for it.
    """
    words = _words(reason)
    approval = lock_approval(approval_id)
    if approval.state != ApprovalState.PENDING:
        raise AlreadyDecidedError(approval.get_state_display())
    if approval.requested_by_id != user.pk:
        raise NotTheRequesterError
    _close(approval, ApprovalState.CANCELLED, lock_user(approval.requested_by_id), words, now)
    return approval


def _words(reason: str) -> str:
    words = reason.strip()
    if not words:
        raise ReasonRequiredError
    return words


def _require_decider(approval: Approval, kind: ApprovalKind, user: Person) -> User:
    if approval.state != ApprovalState.PENDING:
        raise AlreadyDecidedError(approval.get_state_display())
    if user.pk is None:
        raise NotAllowedToDecideError(kind.permission)
    # The database's word, not the session's: rights may have gone since the page was opened.
    decider = lock_user(user.pk)
    if not decider.is_active or not decider.has_perm(kind.permission):
        raise NotAllowedToDecideError(kind.permission)
    editors = kind.editors(approval.payload) if kind.editors else set()
    if decider.pk in {approval.requested_by_id, *editors}:
        raise SelfApprovalError
    return decider


def _why_void(approval: Approval, kind: ApprovalKind) -> str:
    if content_hash(approval.payload) != approval.payload_hash:
        return "what is stored is not what was asked for."
    if kind.recheck is None:
        return ""
    try:
        kind.recheck(approval.payload)
    except DomainError as error:
        return str(error) or error.code
    return ""


def _close(
    approval: Approval, state: ApprovalState, decider: User, words: str, now: datetime
) -> None:
    approval.state = state
    approval.decided_by = decider
    approval.decided_at = now
    approval.decision_reason = words
    approval.save(
        update_fields=[
            "state",
            "decided_by",
            "decided_at",
            "decision_reason",
            "executed_at",
            "result",
        ]
    )
    _audit(approval, str(state), decider, words, now)


def _audit(approval: Approval, verb: str, actor: User, words: str, now: datetime) -> None:
    record_audit(
        action=f"staff.approval.{verb}",
        actor=actor,
        subject=f"approval:{approval.pk}",
        details={
            "kind": approval.kind,
            "subject": approval.subject,
            "payload_hash": approval.payload_hash,
        },
        reason=words,
        now=now,
    )
