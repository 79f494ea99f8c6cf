"""Runs: one day's comparison at a glance."""

from collections.abc import Sequence
from typing import override
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from apps.core.admin import (
    ActionCall,
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    ReasonedAction,
    badge,
    badge_column,
    choice_filter,
    datetime_column,
    day_filter,
    link_cell,
    money_cell,
    narrowed_filter,
)
from apps.providers.selectors import provider_choices
from apps.reconciliation import selectors, services
from apps.reconciliation.contracts import CurrencyVariance
from apps.reconciliation.enums import BreakClass, RunState
from apps.reconciliation.models import ReconciliationRun

_STATE_TONES = {
    RunState.COMPLETE.value: "success",
    RunState.NO_STATEMENT.value: "danger",
    RunState.EMPTY_STATEMENT.value: "danger",
}


def _again(call: ActionCall) -> str:
    run = selectors.run_by_id(call.object_id)
    outcome = services.reconcile(
        provider_code=run.provider.code,
        day=run.day,
        acting_user=call.user,
        reason=call.reason,
        now=call.now,
    )
    found = sum(outcome.comparison.breaks.values())
    return f"Run {outcome.run_id}: {RunState(outcome.state).label.lower()}, {found:,} breaks."


_STANDING = {
    "nothing": ("Newest of its day, nothing to compare", selectors.with_nothing_to_compare),
}


@admin.register(ReconciliationRun)
class ReconciliationRunAdmin(PanelsMixin, ReadOnlyAdmin[ReconciliationRun]):
    list_empty_text = "No day was reconciled. Import or pull a statement first."
    list_display = [
        "run",
        "provider",
        "day",
        badge_column("state", _STATE_TONES),
        "alert",
        "break_count",
        "matched",
        "ledger_events",
        "statement_events",
        datetime_column("started_at"),
    ]
    list_filter = [
        choice_filter("provider_id", "provider", provider_choices),
        choice_filter("state", "state", RunState.choices),
        choice_filter("is_alert", "alert", [("True", "Alert"), ("False", "No alert")]),
        day_filter("day", "day", selectors.recent_day_choices),
        narrowed_filter("standing", "standing", _STANDING),
    ]
    list_select_related = ["provider"]
    search_fields = ["pk__exact"]
    search_help_text = "Run number"
    ordering = ["-pk"]
    reasoned_actions = [
        ReasonedAction(
            name="reconcile-again",
            label="Reconcile this day again",
            permission="reconciliation.run_reconciliation",
            perform=_again,
            question="The same breaks stay the same; what agrees by now closes.",
            tone="primary",
        )
    ]
    readonly_fields = ["alert"]
    fieldsets = [
        (
            "Run",
            {
                "fields": [
                    ("provider", "day", "state", "alert"),
                    ("ledger_events", "statement_events", "statement_rows", "matched"),
                    ("started_at", "finished_at", "compare_milliseconds", "started_by"),
                    ("statement", "ledger_sha256"),
                ]
            },
        ),
    ]

    @admin.display(description="run", ordering="pk")
    def run(self, run: ReconciliationRun) -> str:
        return f"Run {run.pk}"

    @admin.display(description="alert", ordering="is_alert")
    def alert(self, obj: ReconciliationRun) -> str:
        return badge("Alert", "danger") if obj.is_alert else badge("No alert", "success")

    @override
    def panels(self, request: HttpRequest, obj: ReconciliationRun) -> Sequence[Panel]:
        if obj.state != RunState.COMPLETE:
            return [
                Panel(
                    title="Nothing was compared",
                    empty_text=f"{obj.get_state_display()}: import or pull the provider's round log"
                    " of this day, then reconcile. Until then nobody knows if the day is good.",
                    tone="danger",
                )
            ]
        return [_breaks(obj), _variance(obj)]


def _breaks(obj: ReconciliationRun) -> Panel:
    page = reverse("admin:reconciliation_break_changelist")
    return Panel(
        title="Breaks by class",
        columns=["Class", "Events"],
        rows=[
            [
                BreakClass(name).label,
                link_cell(f"{page}?run={obj.pk}:{name}", f"{count:,}") if count else "0",
            ]
            for name, count in sorted(
                obj.break_counts.items(), key=lambda item: BreakClass.values.index(item[0])
            )
        ],
        note="As this run found them. A break's own page says what became of it.",
        link=f"{page}?{urlencode({'provider_id': obj.provider_id, 'day': obj.day.isoformat()})}",
        link_text="All breaks of the day, as they stand now",
    )


def _variance(obj: ReconciliationRun) -> Panel:
    lines = [CurrencyVariance(code, **values) for code, values in sorted(obj.variance.items())]
    return Panel(
        title="Variance by currency",
        columns=["Currency", "Provider's turnover", "Gross", "Gross %", "Net", "Net %", ""],
        rows=[
            [
                line.currency,
                money_cell(line.turnover_minor, line.currency),
                money_cell(line.gross_minor, line.currency),
                services.percent(line.gross_minor, line.turnover_minor),
                money_cell(line.net_minor, line.currency),
                services.percent(line.net_minor, line.turnover_minor),
                badge("Above 0.1 %", "danger")
                if line.is_above_threshold
                else badge("Within 0.1 %", "success"),
            ]
            for line in lines
        ],
        empty_text="Neither side has a stake that day.",
        note="Gross is the sum of absolute differences, net the difference of the net positions;"
        " both in per cent of the provider's turnover.",
    )
