"""Every step leaves a note on the renewal and an entry in the audit chain."""

from datetime import datetime
from typing import Any

from apps.compliance.enums import RenewalNoteKind
from apps.compliance.errors import NotAllowedError
from apps.compliance.models import Renewal, RenewalNote
from apps.core.errors import ReasonRequiredError
from apps.core.services import record_audit
from apps.staff.selectors import Person


def add_step(
    renewal: Renewal, kind: RenewalNoteKind, author: Person | None, body: str, now: datetime
) -> None:
    RenewalNote.objects.create(
        renewal=renewal,
        kind=kind,
        author_id=None if author is None else author.pk,
        body=body,
        created_at=now,
    )


def audit_step(
    renewal: Renewal,
    verb: str,
    actor: Person | None,
    *,
    reason: str,
    details: dict[str, Any],
    now: datetime,
) -> None:
    record_audit(
        action=f"compliance.renewal.{verb}",
        actor=actor,
        subject=f"compliance.renewal:{renewal.pk}",
        details={"certificate": renewal.certificate_id, **details},
        reason=reason,
        now=now,
    )


def require_permission(person: Person, permission: str) -> int:
    """Refuse an account that may not; return the id of one that may.

    Raises:
        NotAllowedError
    """
    if person.pk is None or not person.is_active or not person.has_perm(permission):
        raise NotAllowedError(f"This needs an active account with the permission {permission}.")
    return person.pk


def words_of(reason: str) -> str:
    """Return the reason without the space around it.

    Raises:
        ReasonRequiredError: nobody said why.
    """
    words = reason.strip()
    if not words or "\x00" in words:
        raise ReasonRequiredError
    return words
