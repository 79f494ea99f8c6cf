"""One page per player: what protects them now, what waits, and every check that was made."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, override
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.core.admin import (
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    at_cell,
    badge,
    badge_column,
    choice_filter,
    display_at,
    money_cell,
    worded,
)
from apps.core.answer_codes import answer_words
from apps.core.jurisdictions import day_in
from apps.core.money import display_money
from apps.players import rules
from apps.players.contracts import LimitUse, RealityCheckLine
from apps.players.enums import (
    Ending,
    LimitKind,
    PlayerStatus,
    RealityCheckStep,
    RuleKind,
    Source,
)
from apps.players.models import Exclusion, PlayerProtection
from apps.players.protection_admin.actions import ACTIONS
from apps.players.protection_admin.who import WhoFilter
from apps.players.selectors import limit_use, player_by_id, protection_reasons
from apps.players.selectors.moves import raises_held_until
from apps.players.selectors.protection import (
    all_exclusions,
    display_limit,
    latest_checks,
    latest_refusals,
    past_limits,
)
from apps.players.selectors.reality_checks import latest_reality_checks, reality_check_interval

_SHOWN = 20
_STATUS_TONES = {
    "active": "success",
    "blocked": "danger",
    "self_excluded": "warning",
    "closed": "neutral",
}


@admin.register(PlayerProtection)
class PlayerProtectionAdmin(PanelsMixin, ReadOnlyAdmin[PlayerProtection]):
    list_display = [
        "player_ref",
        badge_column("status", _STATUS_TONES),
        "jurisdiction",
        "currency",
        "date_of_birth",
    ]
    list_filter = [WhoFilter, choice_filter("status", "status", PlayerStatus.choices)]
    search_fields = ["player_ref__exact"]
    search_help_text = "Player, exactly"
    ordering = ["-pk"]
    fieldsets = [
        (
            "Player",
            {
                "fields": [
                    ("player_ref", "status"),
                    ("jurisdiction", "currency", "date_of_birth"),
                ]
            },
        ),
    ]
    reasoned_actions = ACTIONS

    @override
    def panels(self, request: HttpRequest, obj: PlayerProtection) -> Sequence[Panel]:
        now = timezone.now()
        uses = limit_use(obj.pk, now)
        return [
            _now_panel(obj, now),
            _limits_panel(obj, [use for use in uses if use.effective_from <= now]),
            _pending_panel(obj, uses, now),
            *_cap_panels(obj, now, is_hidden=self.is_hidden(request, obj.pk)),
            _exclusions_panel(obj, now),
            _checks_panel(obj),
            _refusals_panel(obj),
            _reality_panel(obj, now),
            _past_panel(obj, now),
            _support_panel(obj),
        ]


def _now_panel(player: PlayerProtection, now: datetime) -> Panel:
    reasons = protection_reasons(player_by_id(player.pk), now)
    sessions = urlencode({"q": player.player_ref})
    return Panel(
        title="May this player play?",
        note=f"As of {now:%Y-%m-%d %H:%M:%S} UTC. Wins, refunds and withdrawals are never refused. "
        "A session whose reality check is overdue takes no stake either.",
        link=f"{reverse('admin:play_gamesession_changelist')}?{sessions}",
        link_text="Game sessions",
        columns=["What", "Why not", "Until"],
        rows=[
            [badge(answer_words(reason.code), "danger"), reason.text, at_cell(reason.until)]
            for reason in reasons
        ],
        empty_text="Yes. Nothing keeps this player from playing.",
        tone="danger" if reasons else "success",
    )


def _limits_panel(player: PlayerProtection, uses: Sequence[LimitUse]) -> Panel:
    return Panel(
        title="Limits in force",
        note="The lowest one of a measure decides. Windows are trailing hours: a begun hour counts "
        "in full.",
        columns=["Limit", "Set by", "Allowed", "Used", "Left", "Since"],
        rows=[
            [
                LimitKind(use.kind).label,
                Source(use.source).label,
                _amount(player, use.kind, use.allowed),
                "-" if use.used is None else _amount(player, use.kind, use.used),
                _left(player, use),
                at_cell(use.effective_from),
            ]
            for use in uses
        ],
        empty_text="No limit is set. Offer one: a first limit holds at once.",
    )


def _left(player: PlayerProtection, use: LimitUse) -> SafeString | str:
    if use.left is None:
        return "-"
    tone = "danger" if use.left == 0 else "warning" if use.left * 5 < use.allowed else "success"
    return badge(_amount(player, use.kind, use.left), tone)


def _pending_panel(player: PlayerProtection, uses: Sequence[LimitUse], now: datetime) -> Panel:
    raises = [
        [
            LimitKind(use.kind).label,
            Source(use.source).label,
            f"becomes {_amount(player, use.kind, use.allowed)}",
            at_cell(use.effective_from),
        ]
        for use in uses
        if use.effective_from > now
    ]
    replaced = {(use.kind, use.source) for use in uses if use.effective_from > now}
    removals = [
        [
            LimitKind(use.kind).label,
            Source(use.source).label,
            "is removed",
            at_cell(use.effective_until),
        ]
        for use in uses
        if use.effective_from <= now
        and use.effective_until is not None
        and (use.kind, use.source) not in replaced
    ]
    note = "Each can be cancelled until its moment; the limit in force then goes on."
    held_until = raises_held_until(player.pk)
    if held_until is not None and held_until > now:
        note += f" The player moved: nothing is raised or removed before {display_at(held_until)}."
    return Panel(
        title="Pending changes",
        note=note,
        columns=["Limit", "Set by", "Change", "Applies at"],
        rows=[*raises, *removals],
        empty_text="No change waits.",
        tone="warning" if raises or removals else "",
    )


# Of an emptied row they would be the caps of somebody young, and of a shown one they tell the age.
_HIDDEN_CAPS: Final = Panel(
    title="Stake caps",
    empty_text="Hidden with the date of birth that decides them. Show the personal data first.",
)


def _cap_panels(player: PlayerProtection, now: datetime, *, is_hidden: bool) -> list[Panel]:
    """Show what the law caps for this player; nothing where it caps nothing."""
    today = day_in(player.jurisdiction, now)
    caps = [
        [category, display_money(cap, player.currency)]
        for category in rules.capped_categories(player.jurisdiction, today)
        if (
            cap := rules.stake_cap(
                player.jurisdiction,
                player.currency,
                category,
                born=player.date_of_birth,
                on=today,
            )
        )
        is not None
    ]
    if not caps or is_hidden:
        return [_HIDDEN_CAPS] if caps else []
    note = "Per game cycle, by law."
    if player.date_of_birth is None:
        note += " Without a date of birth the player counts as young."
    return [Panel(title="Stake caps", note=note, columns=["Games", "Largest stake"], rows=caps)]


def _exclusions_panel(player: PlayerProtection, now: datetime) -> Panel:
    return Panel(
        title="Exclusions",
        columns=["Exclusion", "State", "From", "Its date", "Ends", "Asked by", "Reason"],
        rows=[
            [
                one.get_kind_display(),
                _exclusion_state(one, now),
                at_cell(one.starts_at),
                at_cell(one.ends_at) if one.ends_at else "indefinite",
                _how_it_ends(one),
                one.asked_by,
                one.reason,
            ]
            for one in all_exclusions(player.pk)
        ],
        empty_text="This player was never excluded.",
    )


def _exclusion_state(exclusion: Exclusion, now: datetime) -> SafeString:
    end = getattr(exclusion, "end", None)
    over_at = exclusion.ends_at if exclusion.ending == Ending.LAPSES else None
    if end is not None:
        over_at = end.effective_at
    if over_at is not None and over_at <= now:
        return badge("over", "neutral")
    return badge("cooling off", "warning") if end is not None else badge("in force", "danger")


def _how_it_ends(exclusion: Exclusion) -> str:
    end = getattr(exclusion, "end", None)
    if end is not None:
        return f"lets go at {end.effective_at:%Y-%m-%d %H:%M} UTC, asked by {end.asked_by}"
    if exclusion.ending == Ending.LAPSES:
        return "by itself, at its date"
    if exclusion.earliest_end_at is None:
        return "never"
    return f"on request from {exclusion.earliest_end_at:%Y-%m-%d %H:%M} UTC, after a cooling-off"


def _checks_panel(player: PlayerProtection) -> Panel:
    return Panel(
        title="Checks at launches and deposits",
        note=f"The latest {_SHOWN}. Checks that found nothing are kept as proof that one looked.",
        columns=["At", "Check", "Jurisdiction", "Answer", "Based on"],
        rows=[
            [
                at_cell(check.checked_at),
                check.get_kind_display(),
                check.jurisdiction,
                badge("allowed", "success")
                if check.is_allowed
                else badge(", ".join(check.codes), "danger"),
                _basis(check.basis),
            ]
            for check in latest_checks(player.pk, _SHOWN)
        ],
        empty_text="No launch or deposit was checked yet.",
    )


def _basis(basis: dict[str, Any]) -> str:
    looked_at = [name for name in basis.get("looked_at", []) if name != "standing"]
    return f"standing {basis.get('status', '-')}; {', '.join(looked_at)}"


def _refusals_panel(player: PlayerProtection) -> Panel:
    return Panel(
        title="Stakes refused",
        note="Every new stake is checked; refusals are counted by hour of UTC and reason.",
        columns=["Hour", "Why", "Refused"],
        rows=[
            [at_cell(one.hour), worded(answer_words(one.code), one.code), f"{one.refused:,}"]
            for one in latest_refusals(player.pk, _SHOWN)
        ],
        empty_text="No stake of this player was refused for protection.",
    )


def _reality_panel(player: PlayerProtection, now: datetime) -> Panel:
    checks = latest_reality_checks(player.pk, _SHOWN)
    return Panel(
        title="Reality checks",
        note=_reality_note(player, now),
        columns=["Shown", "Played", "Staked", "Won", "Net", "Answer", "Answered", "Session"],
        rows=[
            [
                at_cell(one.shown_at),
                f"{one.minutes_played} min",
                money_cell(one.staked_minor, player.currency),
                money_cell(one.won_minor, player.currency),
                money_cell(one.net_minor, player.currency),
                _reality_answer(one),
                at_cell(one.answered_at),
                one.session_ref,
            ]
            for one in checks
        ],
        empty_text="No reality check was shown yet. The operator's site shows them and says so "
        "over the API.",
    )


def _reality_note(player: PlayerProtection, now: datetime) -> str:
    found = reality_check_interval(player.pk, player.jurisdiction, now)
    own, rule = found.own_minutes, found.rule_minutes
    if found.minutes is None:
        return f"No rule of {player.jurisdiction} asks for them, and the player did not either."
    if own is None or (rule is not None and own > rule):
        also = f"; the own {own} minutes of the player are longer" if own else ""
        note = f"Due after every {rule} minutes of play by the rule of {player.jurisdiction}{also}."
    else:
        also = f"the rule says {rule}" if rule else "no rule asks for one"
        note = f"Due after every {own} minutes of play, as the player wished; {also}."
    today = now.astimezone(UTC).date()
    grace = rules.rule_value(RuleKind.REALITY_CHECK_GRACE, player.jurisdiction, today)
    if grace is not None:
        note += f" {grace} minutes later no new stake is taken until one is acknowledged."
    return note


def _reality_answer(check: RealityCheckLine) -> SafeString:
    if not check.answer:
        return badge("Not answered", "warning")
    tone = "success" if check.answer == RealityCheckStep.CONTINUED else "info"
    return badge(RealityCheckStep(check.answer).label, tone)


def _past_panel(player: PlayerProtection, now: datetime) -> Panel:
    return Panel(
        title="Past and cancelled limits",
        columns=["Limit", "Set by", "Allowed", "From", "Until", "Reason"],
        rows=[
            [
                limit.get_kind_display(),
                limit.get_source_display(),
                _amount(
                    player,
                    limit.kind,
                    (limit.amount_minor if limit.minutes is None else limit.minutes) or 0,
                ),
                at_cell(limit.effective_from),
                badge("cancelled", "neutral")
                if limit.cancelled_at
                else at_cell(limit.effective_until),
                limit.reason or "-",
            ]
            for limit in past_limits(player.pk, now, _SHOWN)
        ],
        empty_text="No limit has ended.",
    )


def _support_panel(player: PlayerProtection) -> Panel:
    return Panel(
        title=f"Help for players in {player.jurisdiction}",
        note="18+. Given with every refused launch.",
        columns=["Service", "Phone", "Address"],
        rows=[
            [link.name, link.phone or "-", link.url]
            for link in rules.support_links(player.jurisdiction)
        ],
        empty_text="No support service is on file for this jurisdiction: add one.",
    )


def _amount(player: PlayerProtection, kind: str, amount: int) -> str:
    return display_limit(kind, amount, player.currency)
