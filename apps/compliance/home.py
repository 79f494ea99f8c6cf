"""The compliance officer's day: renewals that wait, what must not be served, rules to look at."""

from collections import Counter
from datetime import UTC
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from apps.compliance.contracts import Gap, MatrixQuery
from apps.compliance.enums import CellState
from apps.compliance.models import KeyEvent, Reminder, Renewal, UncoveredDay
from apps.compliance.selectors.key_events import running_key_events
from apps.compliance.selectors.matrix import gaps_at, with_next_action
from apps.compliance.selectors.renewals import WORK, awaiting, reminders_with_a_problem
from apps.compliance.selectors.uncovered import days_played_since, play_on, week_before
from apps.core.admin import display_at
from apps.core.counting import counted
from apps.core.money import display_money
from apps.players.rules import all_rules, is_check_due
from apps.players.selectors.protection import last_rule_checks
from apps.providers.selectors.drafts import open_draft_count
from apps.providers.selectors.matrix import offered_places
from apps.staff.contracts import HomeCard, HomeRow
from apps.staff.home_cards import LIMIT, MAX_ROWS, Waiting, waiting_card


def renewals_card(request: HttpRequest) -> HomeCard | None:
    """Show the renewals that this person has, then those that nobody has, by due day."""
    if not request.user.has_perm(WORK):
        return None
    today = timezone.now().astimezone(UTC).date()

    def row(renewal: Renewal) -> HomeRow:
        days = (renewal.due_on - today).days
        far = counted(abs(days), "day")
        when = f"due in {far}" if days >= 0 else f"due {far} ago"
        whose = "" if renewal.owner_id == request.user.pk else ", nobody's"
        return HomeRow(
            title=f"{renewal.certificate}: {renewal.get_state_display().lower()}{whose}",
            link=reverse("admin:compliance_renewal_change", args=[renewal.pk]),
            meta=when,
            tone="danger" if days <= 14 else "warning" if days <= 30 else "neutral",
        )

    return waiting_card(
        Waiting(
            title="Renewals awaiting you",
            link=reverse("admin:compliance_renewal_changelist") + "?whose=awaiting",
            empty_text="You own no open renewal. The daily check opens one 90 days before an end.",
            tone="warning",
            note="yours, and those that nobody has taken",
        ),
        awaiting(request.user, limit=LIMIT),
        row,
    )


def unmailed_card(_request: HttpRequest) -> HomeCard:
    """Show whom the desk could not mail about a renewal that is still open, and why."""
    waiting = Waiting(
        title="Reminders that could not be mailed",
        link=reverse("admin:compliance_reminder_changelist") + "?problem=yes",
        empty_text="Everybody who was to be reminded could be mailed.",
        tone="danger",
        note="the rest of the desk was told instead, without addresses the administrators",
    )
    return waiting_card(waiting, reminders_with_a_problem(limit=LIMIT), _unmailed_row)


def _unmailed_row(reminder: Reminder) -> HomeRow:
    return HomeRow(
        title=f"{reminder.recipient}: {reminder.renewal.certificate}",
        link=reverse("admin:compliance_reminder_change", args=[reminder.pk]),
        meta=reminder.problem,
        tone="danger",
    )


def gaps_card(_request: HttpRequest) -> HomeCard:
    """Show what is on offer and must not be served now, with what to do next."""
    now = timezone.now()
    found = gaps_at(now, MatrixQuery())
    prohibited = sum(cell.state == CellState.PROHIBITED for _, cell in found)
    counts = Counter((game.id, cell.state) for game, cell in found)
    first = {(game.id, cell.state): (game, cell) for game, cell in reversed(found)}
    shown = [first[key] for key in list(counts)[:MAX_ROWS]]
    has_offers = bool(offered_places(now))
    return HomeCard(
        title="Offers without cover",
        value=f"{len(found):,}" if has_offers else "unknown",
        note=f"{prohibited:,} of them prohibited by law; a launch there is refused",
        tone="danger" if found else "success" if has_offers else "warning",
        link=reverse("admin:compliance_coveragematrix_gaps"),
        rows=tuple(_gap_row(gap, counts) for gap in with_next_action(shown, now)),
        empty_text="Every offer is covered."
        if has_offers
        else "No game is on offer: load a catalogue with manage.py load_provider.",
    )


def _gap_row(gap: Gap, counts: Counter[tuple[int, str]]) -> HomeRow:
    others = counts[gap.game.id, gap.state] - 1
    page = reverse("admin:compliance_coveragematrix_cell", args=[gap.game.id, gap.jurisdiction])
    if others:
        asked = {"provider": gap.game.provider_code, "game": gap.game.game_code, "state": gap.state}
        page = f"{reverse('admin:compliance_coveragematrix_gaps')}?{urlencode(asked)}"
    return HomeRow(
        title=f"{gap.game.game_code} in {gap.jurisdiction}"
        + (f" and {others} more" if others else ""),
        link=page,
        meta=gap.action.partition(",")[0],
        tone="danger",
    )


def drafts_card(_request: HttpRequest) -> HomeCard:
    """Show how many uploaded documents wait for somebody to confirm what was read from them."""
    count = open_draft_count()
    return HomeCard(
        title="Documents to confirm",
        value=f"{count:,}",
        note="they prove nothing until somebody has confirmed each field" if count else "",
        tone="warning" if count else "success",
        link=reverse("admin:providers_certificatedraft_changelist") + "?state=open",
        empty_text="Open the list and compare each with its pages."
        if count
        else "No document waits. Upload one under Certificates.",
    )


def rules_card(_request: HttpRequest) -> HomeCard:
    """Show the rules whose source nobody has looked at for too long."""
    today = timezone.now().astimezone(UTC).date()
    checks = last_rule_checks()
    page = reverse("admin:players_rulecheck_changelist") + "?due=yes"
    due = [
        rule
        for rule in all_rules()
        if is_check_due(checks[rule.id].checked_on if rule.id in checks else rule.checked_on, today)
    ]
    return HomeCard(
        title="Rules to check against their source",
        value=str(len(due)),
        note=f"of {len(all_rules())} rules; amber since nobody looked for 90 days",
        tone="warning" if due else "success",
        link=page,
        rows=tuple(
            HomeRow(
                title=f"{rule.id}: {rule.citation}",
                link=page,
                meta=rule.jurisdiction,
                tone="warning",
            )
            for rule in due[:MAX_ROWS]
        ),
        empty_text="Every rule was compared with its source in the last 90 days.",
    )


def uncertified_play_card(_request: HttpRequest) -> HomeCard:
    """Show what was played in the last seven days while no report covered it."""
    since = week_before(timezone.now())
    waiting = Waiting(
        title="Played without cover, last 7 days",
        link=reverse("admin:compliance_uncoveredday_changelist") + "?play=week",
        empty_text="Nothing was played that no report covered.",
        tone="danger",
    )
    return waiting_card(waiting, days_played_since(since, limit=LIMIT), _played_row)


def _played_row(where: UncoveredDay) -> HomeRow:
    play = play_on(where)
    rounds = sum(one.rounds for one in play)
    # Several currencies don't fit on the line; the row's page has each.
    staked = f"in {len(play)} currencies"
    if len(play) == 1:
        staked = f"for {display_money(play[0].stake_minor, play[0].currency)}"
    return HomeRow(
        title=f"{where.game.game_code} in {where.jurisdiction}, {where.day}",
        link=reverse("admin:compliance_uncoveredday_change", args=[where.pk]),
        meta=f"{counted(rounds, 'round')} {staked}",
        tone="danger",
    )


def key_events_card(_request: HttpRequest) -> HomeCard:
    """Show the drafts whose clock runs."""
    waiting = Waiting(
        title="Key events to submit",
        link=reverse("admin:compliance_keyevent_changelist") + "?state=draft",
        empty_text="No clock runs.",
        tone="danger",
    )
    return waiting_card(waiting, running_key_events(limit=LIMIT), _key_event_row)


def _key_event_row(event: KeyEvent) -> HomeRow:
    return HomeRow(
        title=event.title,
        link=reverse("admin:compliance_keyevent_change", args=[event.pk]),
        meta=f"due before {display_at(event.due_at)}",
        tone="danger",
    )
