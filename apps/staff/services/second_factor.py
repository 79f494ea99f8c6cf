"""The second factor: spent codes, enrolment, and its reset, which takes two people."""

from datetime import datetime
from typing import Any, Final

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import AnonymousUser
from django.db import transaction

from apps.core.fields import decrypt
from apps.core.reasons import require_reason
from apps.core.services import record_audit, rotated_token
from apps.staff.contracts import ApprovalGrant
from apps.staff.errors import CodeAlreadySpentError, NoSecondFactorError
from apps.staff.locks import lock_authenticators, lock_user
from apps.staff.models import Approval, User
from apps.staff.services.approvals import request_approval
from apps.staff.services.sessions import end_sessions
from apps.staff.totp import step_of_code

MFA_RESET: Final = "staff.reset_mfa"
_LAST_STEP: Final = "last_step"
_SECRETS: Final = ("secret", "seed")


@transaction.atomic
def spend_totp_code(*, user_id: int, code: str) -> None:
    """Use a right code up: neither it nor an older one is taken again, whatever the cache forgot.

    Raises:
        NoSecondFactorError: the person has no authenticator app.
        CodeAlreadySpentError: the code's time step, or a later one, was used before.
    """
    app = next((a for a in lock_authenticators(user_id) if a.type == Authenticator.Type.TOTP), None)
    if app is None:
        raise NoSecondFactorError(user_id)
    step = step_of_code(decrypt(app.data["secret"]), code)
    if step is None or step <= app.data.get(_LAST_STEP, -1):
        raise CodeAlreadySpentError
    app.data[_LAST_STEP] = step
    app.save(update_fields=["data"])


@transaction.atomic
def note_enrolment(*, user: User, code: str, now: datetime) -> None:
    """Spend the code that proved the new authenticator app, and write the enrolment down."""
    spend_totp_code(user_id=user.pk, code=code)
    _audit("enrolled", user, actor=user, reason="Enrolled by the person.", now=now)


@transaction.atomic
def note_new_recovery_codes(*, user: User, now: datetime) -> None:
    _audit("recovery_codes_made", user, actor=user, reason="Made by the person.", now=now)


def mfa_subject(user_id: int) -> str:
    return f"staff.user:{user_id}"


def request_mfa_reset(
    *, user_id: int, requested_by: User | AnonymousUser, reason: str, now: datetime
) -> Approval:
    """Ask a second person to agree that a colleague enrols anew.

    Raises:
        NoSecondFactorError: there is nothing to reset.
        AlreadyPendingError, ReasonRequiredError, NotAllowedToDecideError: as ``request_approval``.
    """
    user = User.objects.get(pk=user_id)
    if not Authenticator.objects.filter(user_id=user_id).exists():
        raise NoSecondFactorError(user_id)
    return request_approval(
        kind=MFA_RESET,
        subject=mfa_subject(user_id),
        title=f"Reset the second factor of {user}",
        payload={"user_id": user_id, "username": user.username},
        requested_by=requested_by,
        reason=reason,
        now=now,
    )


def handle_mfa_reset(grant: ApprovalGrant) -> dict[str, Any]:
    """Run the approved reset."""
    removed = reset_mfa(
        user_id=grant.payload["user_id"],
        actor=User.objects.get(pk=grant.approved_by_id),
        reason=f"Approval {grant.approval_id}.",
        now=grant.now,
    )
    return {"removed": removed}


@transaction.atomic
def reset_mfa(*, user_id: int, actor: User | None, reason: str, now: datetime) -> int:
    """Remove a person's second factor and end their sessions; return how many were removed.

    ``actor`` is None for whoever runs the command. The person enrols anew at the next sign-in.

    Raises:
        ReasonRequiredError: nobody said why.
        NoSecondFactorError: there is nothing to reset.
    """
    words = require_reason(reason)
    user = lock_user(user_id)
    removed = len(lock_authenticators(user_id))
    if not removed:
        raise NoSecondFactorError(user_id)
    Authenticator.objects.filter(user_id=user_id).delete()
    end_sessions(user_id=user_id)
    _audit("reset", user, actor=actor, reason=words, now=now)
    return removed


@transaction.atomic
def rotate_mfa_secrets() -> int:
    """Encrypt stored second factors anew with the first key; return how many changed. Repeatable.

    Raises:
        EncryptionKeyError: a secret that no configured key can read.
    """
    changed = 0
    for authenticator in Authenticator.objects.select_for_update().order_by("pk"):
        name = next(name for name in _SECRETS if name in authenticator.data)
        new = rotated_token(authenticator.data[name], f"second factor {authenticator.pk}")
        if new is not None:
            authenticator.data[name] = new
            authenticator.save(update_fields=["data"])
            changed += 1
    return changed


def _audit(verb: str, user: User, *, actor: User | None, reason: str, now: datetime) -> None:
    record_audit(
        action=f"staff.mfa.{verb}",
        actor=actor,
        subject=f"staff.user:{user.pk}",
        details={},
        reason=reason,
        now=now,
    )
