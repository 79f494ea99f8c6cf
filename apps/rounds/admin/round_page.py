"""What stands on a round's page: what to do next, and each event's bytes, ledger and deliveries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, override
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core.admin import Panel, at_cell, display_at, link_cell, money_cell
from apps.core.money import display_money
from apps.rounds import panels
from apps.rounds.admin.proof import proof_links, proof_step, proof_tone
from apps.rounds.contracts import AttemptView
from apps.rounds.enums import RoundState
from apps.rounds.models import Round, RoundEvent
from apps.rounds.net_position import PlaySpan, rounds_of, span_of
from apps.rounds.payloads import readable
from apps.rounds.proving import RoundProof
from apps.rounds.span_play import rounds_played_in, span_rounds_of
from apps.rounds.traffic import STUCK_AFTER, attempts_of_events
from apps.wallet.selectors import transfers_for_subject

EVENTS_PER_PAGE: Final = 20
_HIDDEN: Final = "Not for your role."
_FACTS: Final = [
    "State",
    "Player",
    "Provider",
    "Game",
    "Stake",
    "Of it bonus",
    "Win",
    "Events that stand",
    "Opened",
    "Settled",
]

_OPEN = (
    "Open: stakes are held and wins are pending until the provider sends the message that closes "
    "the round. What is held can't be withdrawn, and is not lost."
)
_NOTHING_YET = "Nothing to do yet."
_STUCK = (
    "Stuck: no message closed this round since {since}. 1. See whether a delivery waits, and "
    "re-process it. 2. Pull the provider's round log and compare: the statement says how the round "
    "ended. 3. Ask the provider to send the closing message or the rollback again; it releases "
    "what is held. 4. Where it never does, close the round with a second person: the button stands "
    "above once the hourly check has flagged it."
)
_SETTLED = (
    "Settled at {at}: the money is done. Where the player disagrees, open a dispute on the event; "
    "the evidence below goes with it."
)
_NOTHING = "Nothing to do."
_ROLLED_BACK = (
    "Rolled back: what was staked is back in the pots it came from. A late message of what was "
    "rolled back moves nothing; a new stake opens the round again, unless a message closed it. "
    "Where the provider says otherwise, compare with its statement."
)


class StuckFilter(admin.SimpleListFilter):
    """Rounds that nobody closed within a day; reads the index on open rounds."""

    title = "stuck"
    parameter_name = "stuck"

    @override
    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
    ) -> list[tuple[str, str]]:
        return [("yes", "Open for over 24 hours")]

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Round]) -> QuerySet[Round]:
        if self.value() != "yes":
            return queryset
        before = timezone.now() - STUCK_AFTER
        return queryset.filter(Q(state="open", opened_at__lt=before) | Q(state="stuck"))


class PlayFilter(admin.SimpleListFilter):
    """The rounds that a figure of the daily net position counts; the figure leads here."""

    title = "daily net position"
    parameter_name = "play"

    @override
    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
    ) -> list[tuple[str, str]]:
        text = request.GET.get(self.parameter_name, "")
        span = span_of(text)
        return [] if span is None else [(text, _span_label(span))]

    @override
    def has_output(self) -> bool:
        return True

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Round]) -> QuerySet[Round]:
        span = span_of(self.value() or "")
        return queryset if span is None else queryset.filter(pk__in=rounds_of(span))


class SpansFilter(admin.SimpleListFilter):
    """The rounds that a figure of play in a jurisdiction counts; the figure leads here."""

    title = "played in a jurisdiction"
    parameter_name = "spans"

    @override
    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
    ) -> list[tuple[str, str]]:
        text = request.GET.get(self.parameter_name, "")
        asked = span_rounds_of(text)
        if asked is None:
            return []
        return [(text, f"In {asked.jurisdiction}, from {display_at(asked.spans[0][0])}")]

    @override
    def has_output(self) -> bool:
        return True

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Round]) -> QuerySet[Round]:
        asked = span_rounds_of(self.value() or "")
        return queryset if asked is None else queryset.filter(pk__in=rounds_played_in(asked))


def _span_label(span: PlaySpan) -> str:
    return f"{span.game_code or 'All games'}, {span.currency}, from {display_at(span.start)}"


def next_step_panel(game_round: Round, proof: RoundProof | None, now: datetime) -> Panel:
    """Say what the money needs and what the proof below needs; nothing only where both are done."""
    waiting = urlencode({"provider_id": game_round.provider_id, "verdict": "waiting", "who": "all"})
    log = reverse("admin:rounds_delivery_changelist")
    is_open = game_round.state in {"open", "stuck"}
    links = [("Deliveries that wait", f"{log}?{waiting}")] if is_open else []
    text, tone = _next_step(game_round, now)
    if of_proof := proof_step(proof):
        text = f"{of_proof} {text}"
        tone = "danger" if "danger" in {tone, proof_tone(proof)} else "warning"
    elif game_round.state == RoundState.SETTLED:
        text = f"{_NOTHING} {text}"
    elif game_round.state == RoundState.OPEN and not panels.is_stuck(game_round, now):
        text = f"{_NOTHING_YET} {text}"
    links += proof_links(game_round, proof)
    return Panel(title="What to do next", empty_text=text, tone=tone, links=links)


def facts_panel(game_round: Round, now: datetime) -> Panel:
    currency = game_round.currency
    return Panel(
        title="The round",
        columns=_FACTS,
        rows=[
            [
                panels.round_state_cell(game_round, now),
                link_cell(
                    reverse("admin:players_player_change", args=[game_round.player_id]),
                    game_round.player,
                ),
                game_round.provider.code,
                str(game_round.game),
                money_cell(game_round.stake_minor, currency),
                money_cell(game_round.stake_bonus_minor, currency),
                money_cell(game_round.win_minor, currency),
                str(game_round.standing_events),
                at_cell(game_round.opened_at),
                at_cell(game_round.settled_at),
            ]
        ],
    )


def _next_step(game_round: Round, now: datetime) -> tuple[str, str]:
    if panels.is_stuck(game_round, now):
        return _STUCK.format(since=display_at(game_round.opened_at)), "danger"
    if game_round.state == "open":
        return _OPEN, "info"
    if game_round.state == "settled":
        return _SETTLED.format(at=display_at(game_round.settled_at)), "success"
    return _ROLLED_BACK, "warning"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the person before the page may see of each event."""

    payloads: bool
    ledger: bool


def event_by_event_panel(
    game_round: Round, events: Sequence[RoundEvent], may_see: Shown, *, start: str
) -> Panel:
    """Show what was sent beside what it moved and how often it came, some events at a time."""
    first = int(start) if start.isascii() and start.isdigit() and len(start) < 6 else 0
    first = first if first < len(events) else 0
    shown = events[first : first + EVENTS_PER_PAGE]
    attempts = attempts_of_events(shown) if may_see.payloads else {}
    code = game_round.provider.code
    return Panel(
        title="Event by event: what was sent, what moved, how often it came",
        columns=["#", "Raw bytes, first delivery", "Ledger lines", "Delivery attempts"],
        rows=[
            [
                format_html("{}. {}", place, panels.event_link(event)),
                _bytes_cell(attempts[event.pk], event.event_id) if may_see.payloads else _HIDDEN,
                _ledger_cell(f"{code}:{event.event_id}") if may_see.ledger else _HIDDEN,
                _attempts_cell(attempts[event.pk]) if may_see.payloads else _HIDDEN,
            ]
            for place, event in enumerate(shown, start=first + 1)
        ],
        empty_text="No event of this round was stored.",
        links=_pages(len(events), first),
        anchor="events",
    )


def _pages(total: int, first: int) -> list[tuple[str, str]]:
    if total <= EVENTS_PER_PAGE:
        return []
    return [
        (
            f"{start + 1} to {min(start + EVENTS_PER_PAGE, total)}",
            "" if start == first else f"?from={start}#events",
        )
        for start in range(0, total, EVENTS_PER_PAGE)
    ]


def _bytes_cell(attempts: Sequence[AttemptView], event_id: str) -> SafeString | str:
    if not attempts:
        return "Made by us, or never received."
    payload = readable(attempts[0].body, event_id)
    return format_html(
        '<pre class="pb-cell-code" tabindex="0">{}</pre>{}',
        payload.text[:4_000],
        panels.raw_link(attempts[0].delivery_id),
    )


def _ledger_cell(subject: str) -> SafeString | str:
    return _lines(
        [
            format_html(
                "{} {} <br>{}: {} → {}",
                link_cell(reverse("admin:wallet_transfer_change", args=[line.id]), line.id),
                line.kind,
                display_money(line.amount_minor, line.currency),
                line.debit,
                line.credit,
            )
            for line in transfers_for_subject(subject)
        ],
        "No money moved.",
    )


def _attempts_cell(attempts: Sequence[AttemptView]) -> SafeString | str:
    return _lines(
        [
            format_html(
                "{} {} {} <br>{}",
                link_cell(
                    reverse("admin:rounds_delivery_change", args=[attempt.delivery_id]),
                    attempt.message_id or attempt.delivery_id,
                ),
                panels.status_cell(attempt.status, attempt.code),
                f"HTTP {attempt.http_status}" if attempt.http_status else "not answered yet",
                display_at(attempt.received_at),
            )
            for attempt in attempts
        ],
        "None.",
    )


def _lines(cells: Sequence[Any], empty: str) -> SafeString | str:
    if not cells:
        return empty
    return format_html(
        '<div class="pb-cell-lines">{}</div>',
        format_html_join("", "<div>{}</div>", ((cell,) for cell in cells)),
    )
