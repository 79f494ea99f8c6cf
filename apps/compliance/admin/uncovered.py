"""The page of uncertified play: where, how long, how much, and how to end it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, override

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.compliance.models import UncertifiedPlay, UncoveredDay
from apps.compliance.selectors.uncovered import (
    played,
    played_before_cover,
    spans_without_cover,
    week_before,
    with_play,
)
from apps.core.admin import (
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    at_cell,
    badge,
    choice_filter,
    money_cell,
)
from apps.core.counting import counted
from apps.core.money import display_money
from apps.providers.selectors import provider_choices
from apps.rounds.panels import rounds_cell
from apps.rounds.span_play import SpanRounds

_BY_PLAY: Final[Mapping[str, Callable[[QuerySet[UncoveredDay]], QuerySet[UncoveredDay]]]] = {
    "week": lambda days: played(days.filter(day__gte=week_before(timezone.now()))),
    "yes": played,
    "before": played_before_cover,
    "no": lambda days: days.exclude(pk__in=played(days).values("pk")),
}


class PlayedFilter(admin.SimpleListFilter):
    title = "play"
    parameter_name = "play"

    @override
    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
    ) -> list[tuple[str, str]]:
        return [
            ("week", "With play, last 7 days"),
            ("yes", "With play"),
            ("before", "With play counted before it was covered or undone"),
            ("no", "Without play"),
        ]

    @override
    def queryset(
        self, request: HttpRequest, queryset: QuerySet[UncoveredDay]
    ) -> QuerySet[UncoveredDay]:
        narrow = _BY_PLAY.get(self.value() or "")
        return queryset if narrow is None else narrow(queryset)


@admin.register(UncoveredDay)
class UncoveredDayAdmin(PanelsMixin, ReadOnlyAdmin[UncoveredDay]):
    list_empty_text = "Nothing was served without cover."
    list_display = ["day", "game", "jurisdiction", "time_without", "stakes", "rounds", "players"]
    list_filter = [
        PlayedFilter,
        choice_filter("game__provider_id", "provider", provider_choices),
    ]
    list_select_related = ["game"]
    search_fields = ["game__game_code__exact", "jurisdiction__exact"]
    search_help_text = "Game code or jurisdiction, exactly"
    ordering = ["-day", "-minutes", "pk"]
    fields = [
        ("day", "game", "jurisdiction"),
        ("time_without", "first_without"),
        "reasons",
        ("first_seen_at", "computed_at"),
    ]

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related(with_play())

    @admin.display(description="without cover", ordering="minutes")
    def time_without(self, row: UncoveredDay) -> Any:
        return badge(_long(row.minutes), "neutral" if row.minutes == 0 else "warning")

    @admin.display(description="without cover, as first seen")
    def first_without(self, row: UncoveredDay) -> str:
        return _long(row.first_minutes)

    @admin.display(description="stake")
    def stakes(self, row: Any) -> str:
        stakes = (display_money(play.stake_minor, play.currency) for play in row.shown_play)
        return ", ".join(stakes) or "-"

    @admin.display(description="rounds")
    def rounds(self, row: Any) -> str:
        return f"{sum(play.rounds for play in row.shown_play):,}"

    @admin.display(description="players")
    def players(self, row: Any) -> str:
        return f"{sum(play.players for play in row.shown_play):,}"

    @override
    def panels(self, request: HttpRequest, obj: UncoveredDay) -> Sequence[Panel]:
        spans = spans_without_cover(obj, timezone.now())

        def rounds_in(currency: str) -> SpanRounds:
            place = (obj.game.provider_id, obj.game_id, obj.jurisdiction)
            return SpanRounds(*place, currency, only_settled=False, spans=spans)

        return [
            Panel(
                title="What to do",
                empty_text="Register the report that covers it, or withdraw the offer. The last "
                "three days are worked out again, so a late report or a late event still changes "
                "them.",
            ),
            Panel(
                title="Played without cover",
                note="As the register covers it now. What was counted at most, before a report "
                "covered it after all or a round was undone, stays beside it.",
                columns=[
                    "Currency",
                    "Rounds",
                    "Players",
                    "Stake",
                    "Win",
                    "First",
                    "Last",
                    "Counted at most",
                ],
                rows=[
                    [
                        play.currency,
                        rounds_cell(play.rounds, rounds_in(play.currency)),
                        f"{play.players:,}",
                        money_cell(play.stake_minor, play.currency),
                        money_cell(play.win_minor, play.currency),
                        at_cell(play.first_at),
                        at_cell(play.last_at),
                        _most(play),
                    ]
                    for play in obj.play.order_by("currency")
                ],
                empty_text="Nobody played it in that time.",
                tone="danger" if obj.play.filter(rounds__gt=0).exists() else "",
            ),
        ]


def _long(minutes: int) -> str:
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _most(play: UncertifiedPlay) -> str:
    stake = display_money(play.most_stake_minor, play.currency)
    rounds, players = counted(play.most_rounds, "round"), counted(play.most_players, "player")
    return f"{rounds}, {players}, {stake}"
