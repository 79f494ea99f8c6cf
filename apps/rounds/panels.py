"""A round, an event and its deliveries as panels; pages of several apps show the same ones."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.admin import Panel, at_cell, badge, link_cell, money_cell, worded
from apps.core.answer_codes import answer_words
from apps.integrity.contracts import Measurement
from apps.rounds.contracts import AttemptView
from apps.rounds.models import Conflict, Round, RoundEvent
from apps.rounds.payloads import readable
from apps.rounds.span_play import SpanRounds
from apps.rounds.traffic import STUCK_AFTER
from apps.wallet.contracts import TransferLine
from apps.wallet.selectors import transfers_for_subject

STATUS_TONES = {
    "accepted": "success",
    "tentative": "info",
    "parked": "warning",
    "rejected": "danger",
    "duplicate": "neutral",
    "conflict": "danger",
}
_STATUS_WORDS = {"duplicate": "repeat", "rejected": "refused"}
MONEY_TONES = {
    "none": "neutral",
    "held": "info",
    "settled": "success",
    "rolled_back": "warning",
}
STATE_TONES = {"open": "info", "stuck": "danger", "settled": "success", "rolled_back": "warning"}
_MEASURED_TONES = {
    "match": "success",
    "mismatch": "danger",
    "incomplete": "warning",
    "unknown": "neutral",
    "not measured": "warning",
}


def event_link(event: RoundEvent) -> SafeString:
    return link_cell(reverse("admin:rounds_roundevent_change", args=[event.pk]), event.event_id)


def is_stuck(game_round: Round, now: datetime) -> bool:
    """Whether a person should look at a round that nobody closed."""
    if game_round.state == "stuck":
        return True
    return game_round.state == "open" and game_round.opened_at < now - STUCK_AFTER


def round_state_cell(game_round: Round, now: datetime) -> SafeString:
    if is_stuck(game_round, now):
        return badge("Stuck", STATE_TONES["stuck"])
    return badge(game_round.get_state_display(), STATE_TONES[game_round.state])


def rounds_cell(count: int, counted: SpanRounds) -> SafeString | str:
    """Show how many rounds a figure counts, leading to them."""
    if not count or not counted.spans:
        return f"{count:,}"
    query = urlencode({"spans": counted.text(), "who": "all"})
    return link_cell(f"{reverse('admin:rounds_round_changelist')}?{query}", f"{count:,}")


def round_link(game_round: Round | None) -> SafeString | str:
    if game_round is None:
        return "-"
    return link_cell(
        reverse("admin:rounds_round_change", args=[game_round.pk]), game_round.round_ref
    )


def money_state_cell(event: RoundEvent) -> SafeString:
    tone = MONEY_TONES.get(event.money_state, "neutral")
    return badge(event.get_money_state_display(), tone)


def status_word(status: str) -> str:
    """Return what an answer is called on every page; protocols and exports keep the code."""
    return _STATUS_WORDS.get(status, status)


def status_cell(status: str, code: str) -> SafeString:
    """Show what was answered; the code says why, in words."""
    label = badge(status_word(status), STATUS_TONES.get(status, "neutral"))
    return format_html("{} {}", label, worded(answer_words(code), code)) if code else label


def round_panel(events: Sequence[RoundEvent], *, marked_id: int | None = None) -> Panel:
    """Show a round's events in play order; the one that the page is about is marked."""
    return Panel(
        title="The round, in play order",
        note="Times are the provider's." if events else "",
        columns=[
            "#",
            "Event",
            "Type",
            "Played",
            "Bet",
            "Win",
            "Provider's balance, before and after",
            "Our answer",
            "Money",
        ],
        rows=[
            [
                format_html("{}{}", place, " ◀ this one" if event.pk == marked_id else ""),
                event_link(event),
                event.get_round_type_display() + ("" if event.finalized else " (tentative)"),
                at_cell(event.occurred_at),
                money_cell(event.bet_minor, event.currency),
                money_cell(event.win_minor, event.currency),
                format_html(
                    "{}{}",
                    money_cell(event.balance_before_minor, event.currency),
                    money_cell(event.balance_after_minor, event.currency),
                ),
                status_cell(event.status, event.code),
                money_state_cell(event),
            ]
            for place, event in enumerate(events, start=1)
        ],
        empty_text="No round: it was parked or refused before one was opened.",
    )


def ledger_rows(lines: Sequence[TransferLine]) -> list[list[str]]:
    return [
        [
            link_cell(reverse("admin:wallet_transfer_change", args=[line.id]), line.id),
            line.kind,
            format_html("{} → {}", line.debit, line.credit),
            money_cell(line.amount_minor, line.currency),
            at_cell(line.created_at),
            line.note or "-",
        ]
        for line in lines
    ]


LEDGER_COLUMNS = ["Transfer", "Kind", "From → to", "Amount", "Posted", "Note"]


def ledger_panel(subject: str, *, title: str = "Ledger lines") -> Panel:
    """Show what an event moved, and what was moved because of it later."""
    return Panel(
        title=title,
        columns=LEDGER_COLUMNS,
        rows=ledger_rows(transfers_for_subject(subject)),
        empty_text="Nothing was posted for this event: no money moved.",
    )


def attempts_panel(attempts: Sequence[AttemptView]) -> Panel:
    """Show every time the event came, with the raw bytes of each."""
    return Panel(
        title="Delivery attempts",
        note="The first one decided; repeats got the first answer again." if attempts else "",
        columns=["#", "Received", "Webhook id", "Answer", "HTTP", "Size", "Raw bytes"],
        rows=[
            [
                str(place),
                at_cell(attempt.received_at),
                link_cell(
                    reverse("admin:rounds_delivery_change", args=[attempt.delivery_id]),
                    attempt.message_id,
                ),
                status_cell(attempt.status, attempt.code),
                str(attempt.http_status or "not answered yet"),
                f"{len(attempt.body):,} bytes",
                raw_link(attempt.delivery_id),
            ]
            for place, attempt in enumerate(attempts, start=1)
        ],
        empty_text="No delivery brought this event: we made it ourselves, or never received it.",
    )


def raw_link(delivery_id: int) -> SafeString:
    return link_cell(reverse("admin:rounds_delivery_raw", args=[delivery_id]), "Download")


def payload_panel(attempts: Sequence[AttemptView], event_id: str) -> Panel:
    """Show what was sent first, formatted."""
    if not attempts:
        return Panel(title="Raw payload", empty_text="There is no delivery to show.")
    payload = readable(attempts[0].body, event_id)
    return Panel(title="Raw payload, first delivery", note=payload.note, code=payload.text)


def conflicts_panel(conflicts: Sequence[Conflict]) -> Panel:
    return Panel(
        title="Conflicts",
        note="The same event id with other content. Nothing moved for these." if conflicts else "",
        columns=["First seen", "Last seen", "Times", "Content"],
        rows=[
            [
                at_cell(conflict.first_seen_at),
                at_cell(conflict.last_seen_at),
                str(conflict.seen_count),
                link_cell(
                    reverse("admin:rounds_conflict_change", args=[conflict.pk]), "What differs"
                ),
            ]
            for conflict in conflicts
        ],
        empty_text="The event was never sent with other content.",
        tone="danger" if conflicts else "",
    )


def measured_cell(measured: Measurement) -> SafeString:
    """Show what the newest report of digests by then said, and which files were wrong."""
    said = badge(measured.verdict, _MEASURED_TONES[measured.verdict])
    if measured.measured_at is None:
        return said
    report = f"report {measured.report_ref} of {measured.measured_at:%Y-%m-%d %H:%M} UTC"
    overdue = ", over 24 hours before" if measured.is_overdue else ""
    files = f": {', '.join(measured.wrong_files)}" if measured.wrong_files else ""
    return format_html("{} {}{}{}", said, report, overdue, files)
