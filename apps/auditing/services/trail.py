"""What the audit chain keeps of an export."""

from datetime import datetime
from typing import Any

from apps.auditing.models import Export
from apps.auditing.selectors import describe_rows
from apps.core.services import record_audit
from apps.staff.selectors import Person


def what_is_asked(export: Export) -> dict[str, Any]:
    """Say which rows are meant, and how they are to be shown."""
    sample = export.sample
    return {
        "rows": describe_rows(export),
        "personal_data": "shown" if export.with_personal_data else "hidden",
        "sample": None
        if sample is None
        else {
            "number": sample.pk,
            "seed": sample.seed,
            "last_id": sample.last_id,
            "population_size": sample.population_size,
            "members_sha256": sample.members_sha256,
        },
    }


def note_export(
    export: Export,
    verb: str,
    actor: Person | None,
    details: dict[str, Any],
    now: datetime,
    *,
    reason: str = "",
) -> None:
    record_audit(
        action=f"auditing.export.{verb}",
        actor=actor,
        subject=f"auditing.export:{export.pk}",
        details=details,
        reason=reason,
        now=now,
    )
