"""Breaks: both sides of each, and how it came and went."""

from collections.abc import Sequence
from typing import Any, override
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from apps.core.admin import (
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    at_cell,
    badge_column,
    choice_filter,
    datetime_column,
    day_filter,
    link_cell,
    money_cell,
    money_column,
)
from apps.providers.selectors import provider_choices
from apps.reconciliation import selectors
from apps.reconciliation.enums import BreakClass, BreakState
from apps.reconciliation.models import Break

CLASS_TONES = {
    BreakClass.DUPLICATE.value: "info",
    BreakClass.MISSING_IN_LEDGER.value: "danger",
    BreakClass.MISSING_AT_PROVIDER.value: "danger",
    BreakClass.PLAYER.value: "danger",
    BreakClass.CURRENCY.value: "danger",
    BreakClass.AMOUNT.value: "warning",
    BreakClass.STATUS.value: "warning",
}
STATE_TONES = {BreakState.OPEN.value: "danger", BreakState.MATCHED_LATER.value: "success"}

_WORDS = ("player", "currency", "status", "occurred_at", "round", "game", "line")


class RunFilter(admin.SimpleListFilter):
    """The breaks that a figure of a run counts, as they stood then; the figure leads here."""

    title = "found by run"
    parameter_name = "run"

    @override
    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
    ) -> list[tuple[str, str]]:
        text = request.GET.get(self.parameter_name, "")
        asked = _run_of(text)
        if asked is None:
            return []
        run_id, break_class = asked
        return [(text, f"Run {run_id}" + (f", {break_class}" if break_class else ""))]

    @override
    def has_output(self) -> bool:
        return True

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Break]) -> QuerySet[Break]:
        asked = _run_of(self.value() or "")
        return queryset if asked is None else selectors.found_by_run(queryset, *asked)


def _run_of(text: str) -> tuple[int, str] | None:
    """Read a run's number, and a class after a colon."""
    number, _, break_class = text.partition(":")
    is_number = number.isascii() and number.isdigit() and len(number) < 18
    is_class = break_class in {"", *BreakClass.values}
    return (int(number), break_class) if is_number and is_class else None


@admin.register(Break)
class BreakAdmin(PanelsMixin, ReadOnlyAdmin[Break]):
    list_empty_text = "Our ledger and the providers' statements agree on every event compared."
    list_display = [
        "event_id",
        "provider",
        "day",
        badge_column("break_class", CLASS_TONES, title="class"),
        badge_column("state", STATE_TONES),
        "touches_a_player",
        money_column("delta_bet_minor", title="stake, provider minus us"),
        money_column("delta_win_minor", title="win, provider minus us"),
        datetime_column("opened_at"),
        datetime_column("closed_at"),
    ]
    list_filter = [
        choice_filter("provider_id", "provider", provider_choices),
        choice_filter("break_class", "class", BreakClass.choices),
        choice_filter(
            "state",
            "state (open: all, else the newest 20,000)",
            BreakState.choices,
            indexed=[BreakState.OPEN],
        ),
        day_filter("day", "day", selectors.recent_day_choices),
        RunFilter,
    ]
    list_select_related = ["provider"]
    search_fields = ["event_id__exact"]
    search_help_text = "Event, exactly"
    ordering = ["-day", "-pk"]
    readonly_fields = ["stake_difference", "win_difference", "touches_a_player"]
    fieldsets = [
        (
            "Break",
            {
                "fields": [
                    ("event_id", "provider", "day"),
                    ("break_class", "state", "touches_a_player"),
                    ("stake_difference", "win_difference", "currency"),
                    ("opened_at", "closed_at"),
                    ("first_run", "last_run"),
                ]
            },
        ),
    ]
    # Static, or the column would get the admin as its first argument.
    stake_difference = staticmethod(
        money_column("delta_bet_minor", title="stake, provider minus us")
    )
    win_difference = staticmethod(money_column("delta_win_minor", title="win, provider minus us"))

    @admin.display(description="touches a player", ordering="is_player_touched")
    def touches_a_player(self, found: Break) -> str:
        # In words: a green tick would call good what is only so.
        return "yes" if found.is_player_touched else "no"

    @override
    def panels(self, request: HttpRequest, obj: Break) -> Sequence[Panel]:
        return [_sides(obj), _changes(obj)]


def _sides(obj: Break) -> Panel:
    stated: list[dict[str, Any]] = obj.statement_facts or []
    booked: dict[str, Any] | None = obj.ledger_facts
    sides = [booked, *stated] if stated else [booked, None]
    rows = [
        ["Stake", *(_money(side, "bet_minor") for side in sides)],
        ["Win", *(_money(side, "win_minor") for side in sides)],
        *(
            [word.replace("_", " ").capitalize(), *(_word(side, word) for side in sides)]
            for word in _WORDS
        ),
    ]
    heads = [f"Statement, row {n}" for n in range(1, len(stated) + 1)] or ["Statement"]
    events = reverse("admin:rounds_roundevent_changelist")
    return Panel(
        title="What each side says",
        columns=["", "Our ledger", *heads],
        rows=rows,
        note="A dash is a side that doesn't have the event, or a word that only one side has.",
        link=f"{events}?{urlencode({'q': obj.event_id})}",
        link_text="The event in our ledger",
    )


def _money(side: dict[str, Any] | None, name: str) -> str:
    return "-" if side is None else money_cell(side[name], side["currency"])


def _word(side: dict[str, Any] | None, name: str) -> str:
    return "-" if side is None or side.get(name) in {None, ""} else str(side[name])


def _changes(obj: Break) -> Panel:
    return Panel(
        title="How it came and went",
        columns=["When", "What", "Class", "Run"],
        rows=[
            [
                at_cell(change.created_at),
                change.get_kind_display(),
                change.get_break_class_display(),
                link_cell(
                    reverse("admin:reconciliation_reconciliationrun_change", args=[change.run_id]),
                    change.run_id,
                ),
            ]
            for change in selectors.changes_of_break(obj.pk)
        ],
        note="Kept for ever. A break closes by itself only when a later run finds agreement.",
    )
