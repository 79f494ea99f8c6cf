"""Every step leaves a note on the case, and what decides or moves something an audit entry."""

from datetime import datetime
from typing import Any

from apps.core.services import record_audit
from apps.disputes.enums import NoteKind
from apps.disputes.models import Case, CaseNote
from apps.staff.services.approvals import Person


def add_step(case: Case, kind: NoteKind, author_id: int, body: str, now: datetime) -> None:
    CaseNote.objects.create(case=case, kind=kind, author_id=author_id, body=body, created_at=now)


def audit_step(
    case: Case, verb: str, actor: Person, *, reason: str, details: dict[str, Any], now: datetime
) -> None:
    record_audit(
        action=f"disputes.case.{verb}",
        actor=actor,
        subject=f"disputes.case:{case.pk}",
        details={"number": case.number, **details},
        reason=reason,
        now=now,
    )
