"""What two people decided, as an auditor draws samples of it and exports it."""

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import QuerySet
from django.urls import reverse

from apps.core.populations import Member, Narrowing, Population, export_file
from apps.staff.enums import ApprovalState
from apps.staff.models import Approval


def _decided(narrowing: Narrowing) -> QuerySet[Any]:
    # Decided once and for good, so that the moment of the decision bounds them.
    rows = Approval.objects.filter(
        decided_at__gte=narrowing.since,
        decided_at__lt=narrowing.until,
        state__in=[ApprovalState.EXECUTED, ApprovalState.REJECTED, ApprovalState.VOID],
    )
    return narrowing.bounded(rows)


def _members(ids: Sequence[int]) -> dict[int, Member]:
    found = Approval.objects.filter(pk__in=ids).select_related("requested_by", "decided_by")
    return {
        one.pk: Member(
            reference=f"approval {one.pk}",
            what=f"{one.title}: {one.get_state_display()}",
            at=one.decided_at or one.requested_at,
            link=reverse("admin:staff_approval_change", args=[one.pk]),
        )
        for one in found
    }


DECIDED_APPROVALS: Final = Population(
    name="approvals",
    label="Approvals, decided",
    moment="decided",
    permission="staff.view_approval",
    rows=_decided,
    members=_members,
    filters=frozenset(),
    files=[
        export_file(
            "approvals.csv",
            {
                "id": "pk",
                "kind": "kind",
                "subject": "subject",
                "title": "title",
                "payload": "payload",
                "payload_sha256": "payload_hash",
                "state": "state",
                "requested_by": "requested_by__username",
                "requested_at": "requested_at",
                "request_reason": "request_reason",
                "decided_by": "decided_by__username",
                "decided_at": "decided_at",
                "decision_reason": "decision_reason",
                "executed_at": "executed_at",
                "result": "result",
            },
            # What is asked for may be about a player: their case, why they are excluded.
            personal=["title", "payload", "request_reason", "decision_reason", "result"],
        )
    ],
)
