"""Credits and decided cases, as an auditor draws samples of them and exports them."""

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import QuerySet
from django.urls import reverse

from apps.core.money import display_money
from apps.core.populations import Member, Narrowing, Population, export_file
from apps.disputes.enums import CLOSED_STATES
from apps.disputes.models import Case, CaseCredit, CaseNote
from apps.players.populations import of_players_in


def _credits(narrowing: Narrowing) -> QuerySet[Any]:
    rows = CaseCredit.objects.filter(
        created_at__gte=narrowing.since, created_at__lt=narrowing.until
    )
    if narrowing.provider_code:
        rows = rows.filter(case__provider__code=narrowing.provider_code)
    return narrowing.bounded(of_players_in(rows, narrowing, "case__player_id"))


def _credit_members(ids: Sequence[int]) -> dict[int, Member]:
    found = CaseCredit.objects.filter(pk__in=ids).select_related("case")
    return {
        one.pk: Member(
            reference=f"{one.case.number}, credit {one.pk}",
            what=display_money(one.amount_minor, one.currency),
            at=one.created_at,
            link=reverse("admin:disputes_case_change", args=[one.case_id]),
        )
        for one in found
    }


def _decided(narrowing: Narrowing) -> QuerySet[Any]:
    # Closed for good, so that the moment of the decision bounds them.
    rows = Case.objects.filter(
        state__in=CLOSED_STATES, closed_at__gte=narrowing.since, closed_at__lt=narrowing.until
    )
    if narrowing.provider_code:
        rows = rows.filter(provider__code=narrowing.provider_code)
    return narrowing.bounded(of_players_in(rows, narrowing, "player_id"))


def _case_members(ids: Sequence[int]) -> dict[int, Member]:
    found = Case.objects.filter(pk__in=ids)
    return {
        one.pk: Member(
            reference=one.number,
            what=f"{one.get_case_type_display()}: {one.get_state_display()}",
            at=one.closed_at or one.opened_at,
            link=reverse("admin:disputes_case_change", args=[one.pk]),
        )
        for one in found
    }


_NOTES: Final = {
    "id": "pk",
    "case": "case__number",
    "kind": "kind",
    "author": "author__username",
    "body": "body",
    "at": "created_at",
}

POPULATIONS: Final = (
    Population(
        name="credits",
        label="Credits in disputes",
        moment="paid",
        permission="disputes.view_case",
        rows=_credits,
        members=_credit_members,
        files=[
            export_file(
                "credits.csv",
                {
                    "id": "pk",
                    "case": "case__number",
                    "player": "case__player__player_ref",
                    "provider": "case__provider__code",
                    "event": "case__event_id",
                    "amount_minor": "amount_minor",
                    "currency": "currency",
                    "correction": "correction_event_id",
                    "approval": "approval_id",
                    "requested_by": "requested_by__username",
                    "approved_by": "approved_by__username",
                    "paid_at": "created_at",
                },
            ),
            export_file(
                "notes.csv",
                _NOTES,
                of=lambda members: CaseNote.objects.filter(case__in=members.values("case_id")),
                personal=["body"],
            ),
        ],
    ),
    Population(
        name="decided_cases",
        label="Decided cases",
        moment="decided",
        permission="disputes.view_case",
        rows=_decided,
        members=_case_members,
        files=[
            export_file(
                "cases.csv",
                {
                    "id": "pk",
                    "case": "number",
                    "type": "case_type",
                    "player": "player__player_ref",
                    "provider": "provider__code",
                    "event": "event_id",
                    "claim": "claim",
                    "state": "state",
                    "received_at": "received_at",
                    "acknowledge_by": "acknowledge_by",
                    "acknowledged_at": "acknowledged_at",
                    "decide_by": "decide_by",
                    "decided_by": "closed_by__username",
                    "decided_at": "closed_at",
                    "decision": "outcome",
                },
                personal=["claim", "decision"],
            ),
            export_file(
                "notes.csv",
                _NOTES,
                of=lambda members: CaseNote.objects.filter(case__in=members.values("pk")),
                personal=["body"],
            ),
        ],
    ),
)
