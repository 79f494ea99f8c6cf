"""Exports that one person may not take alone: personal data, and many rows."""

from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from apps.auditing import draws
from apps.auditing.enums import ExportState
from apps.auditing.errors import (
    ExportMovedError,
    ExportNeedsTwoError,
    ExportNotWaitingError,
    ExportNotYoursError,
    UnknownExportError,
)
from apps.auditing.models import Export
from apps.auditing.selectors import narrowing_of
from apps.auditing.services.trail import note_export, what_is_asked
from apps.core.populations import Population
from apps.core.reasons import require_reason
from apps.staff.contracts import ApprovalGrant
from apps.staff.enums import ApprovalState
from apps.staff.errors import AlreadyDecidedError
from apps.staff.selectors import Person
from apps.staff.services import cancel, request_approval

CONSENT: Final = "auditing.export"
_REFUSED: Final = "A second person did not agree: {}"


def why_two_people(export: Export, population: Population) -> str:
    """Say why this export wants a second person; empty where one may take it alone.

    Raises:
        PopulationTooSlowError: the rows can't be counted in the time there is.
    """
    if export.with_personal_data:
        return "it shows personal data"
    most: int = settings.PITBOSS_EXPORT_ROWS_FOR_ONE
    if export.sample is not None:
        is_large = export.sample.members_count > most
    else:
        with draws.time_to_read():
            rows = population.rows(narrowing_of(export, export.requested_at))
            # Counted no further than it takes to know.
            is_large = rows.order_by()[: most + 1].count() > most
    return f"it holds more than {most:,} rows" if is_large else ""


def check_consent(export: Export, members: int) -> None:
    """Refuse to make what wants a second person and has none, by what it holds now.

    Raises:
        ExportNeedsTwoError: as it says.
    """
    if export.approved_by_id is not None:
        return
    if export.with_personal_data:
        raise ExportNeedsTwoError("it shows personal data. Ask again.")
    most: int = settings.PITBOSS_EXPORT_ROWS_FOR_ONE
    if members > most:
        raise ExportNeedsTwoError(f"it came to hold more than {most:,} rows. Ask again.")


def ask_second_person(export: Export, asker: Person, now: datetime) -> None:
    """Ask for the agreement without which the export is not made; inside the request."""
    approval = request_approval(
        kind=CONSENT,
        subject=f"auditing.export:{export.pk}",
        title=f"{export}: {export.why_second_person}",
        payload={
            **what_is_asked(export),
            "export": export.pk,
            "file_format": export.file_format,
            "why_two_people": export.why_second_person,
        },
        requested_by=asker,
        reason=export.reason,
        now=now,
    )
    export.approval = approval
    export.save(update_fields=["approval"])


def recheck_consent(payload: dict[str, Any]) -> None:
    """Refuse an approval of an export that was taken back.

    Raises:
        ExportMovedError: as it says.
    """
    if not Export.objects.filter(pk=payload["export"], state=ExportState.AWAITING).exists():
        raise ExportMovedError


def execute_consent(approved: ApprovalGrant) -> dict[str, Any]:
    """Let the worker make the export; runs inside the approval's transaction.

    Raises:
        ExportMovedError: it does not wait for a second person any more.
    """
    export = Export.objects.select_for_update(of=("self",)).get(pk=approved.payload["export"])
    if export.state != ExportState.AWAITING or export.approval_id != approved.approval_id:
        raise ExportMovedError
    export.state = ExportState.WAITING
    export.approved_by_id = approved.approved_by_id
    export.save(update_fields=["state", "approved_by"])
    details = {"approval_id": approved.approval_id, "approved_by_id": approved.approved_by_id}
    note_export(export, "agreed", None, details, approved.now)
    return {"export": export.pk}


@transaction.atomic
def cancel_export(*, export_id: int, acting_user: Person, reason: str, now: datetime) -> Export:
    """Take one's own export back while it waits for a person or for the worker.

    The request to the second person is cancelled too; it is locked first, as when it is approved.

    Raises:
        ReasonRequiredError, UnknownExportError, ExportNotYoursError, ExportNotWaitingError: as they
            say.
    """
    words = require_reason(reason)
    export = Export.objects.filter(pk=export_id).first()
    if export is None:
        raise UnknownExportError(export_id)
    if export.requested_by_id != acting_user.pk:
        raise ExportNotYoursError
    if export.approval_id is not None:
        _cancel_request(export.approval_id, acting_user, words, now)
    export = Export.objects.select_for_update(of=("self",)).get(pk=export_id)
    if export.state not in {ExportState.AWAITING, ExportState.WAITING}:
        raise ExportNotWaitingError
    export.state = ExportState.CANCELLED
    export.finished_at = now
    export.save(update_fields=["state", "finished_at"])
    note_export(export, "cancelled", acting_user, {}, now, reason=words)
    return export


def _cancel_request(approval_id: int, person: Person, words: str, now: datetime) -> None:
    try:
        cancel(approval_id=approval_id, user=person, reason=words, now=now)
    except AlreadyDecidedError:
        return  # Agreed to meanwhile, or refused: then the export alone is taken back.


@transaction.atomic
def close_refused(*, now: datetime) -> int:
    """End the exports whose second person refused; returns how many. Safe to repeat."""
    refused = ~Q(approval__state__in=[ApprovalState.PENDING, ApprovalState.EXECUTED])
    waiting = Export.objects.filter(refused, state=ExportState.AWAITING, approval__isnull=False)
    ended = 0
    for export in waiting.select_for_update(of=("self",), skip_locked=True).order_by("pk"):
        decision = export.approval.decision_reason if export.approval else ""
        export.state = ExportState.FAILED
        export.finished_at = now
        export.failure = _REFUSED.format(decision)[:300]
        export.save(update_fields=["state", "finished_at", "failure"])
        note_export(export, "failed", None, {"why": export.failure}, now)
        ended += 1
    return ended
