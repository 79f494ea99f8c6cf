"""Four eyes: one person asks, another agrees, and then it happens, once."""

from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction

from apps.core.canonical import content_hash, require_plain_json
from apps.core.errors import DomainError
from apps.core.reasons import require_reason
from apps.core.services import record_audit
from apps.staff.approvals import ApprovalKind, approval_kind
from apps.staff.contracts import ApprovalGrant
from apps.staff.enums import ApprovalState
from apps.staff.errors import (
    AlreadyDecidedError,
    AlreadyPendingError,
    ApprovalError,
    ApprovalExpiredError,
    ApprovalVoidError,
    NotAllowedToDecideError,
    NotTheRequesterError,
    SelfApprovalError,
)
from apps.staff.locks import lock_approval, lock_people, lock_user
from apps.staff.models import Approval, User
from apps.staff.selectors import expiry_of, lifetime_of_requests

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
    asking = approval_kind(kind).asking
    words = require_reason(reason)
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
        approval.asked_with = asking if requester.has_perm(asking) else ""
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
        ApprovalVoidError: the content changed since the request, or who asked has left or may not
            ask any more. The approval is closed as void (provided this is not called inside a
            transaction that the error then undoes).
        ApprovalExpiredError: nobody decided in time. It is closed likewise.
    """
    words = require_reason(reason)
    approval, refusal = _approve(approval_id=approval_id, user=user, words=words, now=now)
    if refusal is not None:
        raise refusal
    return approval


@transaction.atomic
def _approve(
    *, approval_id: int, user: Person, words: str, now: datetime
) -> tuple[Approval, ApprovalError | None]:
    approval = lock_approval(approval_id)
    kind = approval_kind(approval.kind)
    approver, requester = _require_decider(approval, kind, user)
    expires_at = expiry_of(approval)
    if expires_at is not None and expires_at <= now:
        return approval, ApprovalExpiredError(_expire(approval, now))
    why_void = _why_without(requester, approval) or _why_void(approval, kind)
    if why_void:
        _close(approval, ApprovalState.VOID, approver, why_void, now)
        return approval, ApprovalVoidError(why_void)
    grant = ApprovalGrant(
        approval_id=approval.pk,
        kind=approval.kind,
        subject=approval.subject,
        payload=approval.payload,
        requested_by_id=requester.pk,
        approved_by_id=approver.pk,
        now=now,
    )
    result = kind.handler(grant)
    require_plain_json(result, "result")
    approval.executed_at = now
    approval.result = result
    _close(approval, ApprovalState.EXECUTED, approver, words, now)
    return approval, None


@transaction.atomic
def reject(*, approval_id: int, user: Person, reason: str, now: datetime) -> Approval:
    """Refuse; nothing runs. Raises what ``approve`` raises, but is never too late or void."""
    words = require_reason(reason)
    approval = lock_approval(approval_id)
    decider, _requester = _require_decider(approval, approval_kind(approval.kind), user)
    _close(approval, ApprovalState.REJECTED, decider, words, now)
    return approval


@transaction.atomic
def cancel(*, approval_id: int, user: Person, reason: str, now: datetime) -> Approval:
    """Take one's own request back.

    Raises:
        ReasonRequiredError, UnknownApprovalError, AlreadyDecidedError: as they say.
        NotTheRequesterError: somebody else asked for it.
    """
    words = require_reason(reason)
    approval = lock_approval(approval_id)
    if approval.state != ApprovalState.PENDING:
        raise AlreadyDecidedError(approval.get_state_display())
    if approval.requested_by_id != user.pk:
        raise NotTheRequesterError
    _close(approval, ApprovalState.CANCELLED, lock_user(approval.requested_by_id), words, now)
    return approval


@transaction.atomic
def expire_approvals(*, now: datetime) -> int:
    """Close what nobody decided in time; returns how many. Safe to repeat.

    What somebody decides on at this moment is left to them. The rest of a request's life is its
    kind's own: an override that would have ended is refused by its handler before that.
    """
    waiting = Approval.objects.select_for_update(skip_locked=True).filter(
        state=ApprovalState.PENDING, requested_at__lte=now - lifetime_of_requests()
    )
    expired = list(waiting.order_by("pk"))
    for approval in expired:
        _expire(approval, now)
    return len(expired)


def _expire(approval: Approval, now: datetime) -> str:
    why = f"Nobody decided within {lifetime_of_requests().days} days."
    _close(approval, ApprovalState.EXPIRED, None, why, now)
    return why


class _Two(NamedTuple):
    decider: User
    requester: User


def _require_decider(approval: Approval, kind: ApprovalKind, user: Person) -> _Two:
    if approval.state != ApprovalState.PENDING:
        raise AlreadyDecidedError(approval.get_state_display())
    if user.pk is None:
        raise NotAllowedToDecideError(kind.permission)
    # The database's word, not the session's: rights may have gone since the page was opened.
    people = lock_people([user.pk, approval.requested_by_id])
    decider = people[user.pk]
    if not decider.is_active or not decider.has_perm(kind.permission):
        raise NotAllowedToDecideError(kind.permission)
    editors = kind.editors(approval.payload) if kind.editors else set()
    if decider.pk in {approval.requested_by_id, *editors}:
        raise SelfApprovalError
    return _Two(decider, people[approval.requested_by_id])


def _why_without(requester: User, approval: Approval) -> str:
    if not requester.is_active:
        return f"{requester}, who asked for it, has no active account any more."
    if approval.asked_with and not requester.has_perm(approval.asked_with):
        return f"{requester}, who asked for it, may not ask for it any more."
    return ""


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
    approval: Approval, state: ApprovalState, decider: User | None, words: str, now: datetime
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


def _audit(approval: Approval, verb: str, actor: User | None, words: str, now: datetime) -> None:
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
