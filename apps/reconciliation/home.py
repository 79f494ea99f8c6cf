"""What awaits the people who reconcile, on their home page."""

from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from apps.reconciliation import selectors
from apps.staff.contracts import HomeCard, HomeRow
from apps.staff.home import register_home_card
from apps.staff.home_cards import MAX_ROWS

ROLES: Final = ("Finance analyst", "Auditor")
ENGINEERS: Final = ("Finance analyst", "Integration engineer")


def register() -> None:
    """Put this app's cards on the home pages; called once when the app is ready."""
    register_home_card(ROLES, open_breaks_card)
    register_home_card(ENGINEERS, missing_statements_card)
    register_home_card(ENGINEERS, refused_statements_card)


def open_breaks_card(_request: HttpRequest) -> HomeCard:
    counts = selectors.open_break_counts()
    page = reverse("admin:reconciliation_break_changelist")
    return HomeCard(
        title="Open breaks by provider and day",
        value=f"{sum(row['breaks'] for row in counts):,}",
        tone="danger" if counts else "success",
        link=f"{page}?state=open",
        rows=tuple(_break_row(page, row) for row in counts[:MAX_ROWS]),
        empty_text="No break is open. Days without a statement are listed on their own.",
    )


def _break_row(page: str, row: dict[str, Any]) -> HomeRow:
    where = {"provider_id": row["provider_id"], "day": row["day"].isoformat(), "state": "open"}
    return HomeRow(
        title=f"{row['provider__name']}, {row['day']}",
        link=f"{page}?{urlencode(where)}",
        meta=f"{row['breaks']:,} open, {row['touching']:,} touch a player",
        tone="danger" if row["touching"] else "warning",
    )


def missing_statements_card(_request: HttpRequest) -> HomeCard:
    runs = selectors.runs_without_statement()
    return HomeCard(
        title="Days with nothing to compare",
        value=f"{len(runs):,}",
        tone="danger" if runs else "success",
        link=reverse("admin:reconciliation_reconciliationrun_changelist") + "?standing=nothing",
        rows=tuple(
            HomeRow(
                title=f"{run.provider.name}, {run.day}",
                link=reverse("admin:reconciliation_reconciliationrun_change", args=[run.pk]),
                meta=f"{run.get_state_display().lower()}, {run.ledger_events:,} events with us",
                tone="danger",
            )
            for run in runs[:MAX_ROWS]
        ),
        empty_text="Every day that was reconciled had its statement.",
    )


def refused_statements_card(_request: HttpRequest) -> HomeCard:
    refused = selectors.refused_statements(timezone.now())
    return HomeCard(
        title="Refused statements",
        value=f"{len(refused):,}",
        tone="warning" if refused else "success",
        link=reverse("admin:reconciliation_statementfile_changelist") + "?standing=waiting",
        rows=tuple(
            HomeRow(
                title=f"{row.provider.name}: {row.original_name}",
                link=reverse("admin:reconciliation_statementfile_change", args=[row.pk]),
                meta=row.refusal_code,
                tone="warning",
            )
            for row in refused[:MAX_ROWS]
        ),
        empty_text="No file of the last month waits for a better one.",
    )
