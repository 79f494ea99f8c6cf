"""What a player's page shows from the apps above players; each panel with its own permission."""

from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.bonuses.selectors import progress_of_player
from apps.core.admin import Panel, at_cell, badge, link_cell, money_cell
from apps.core.money import display_money
from apps.disputes.selectors import cases_of_player
from apps.players.selectors import player_by_id
from apps.reports.timeline import SOURCES, Entry, newest_sessions, place_of, timeline_of
from apps.rounds.panels import event_link, round_link, round_state_cell
from apps.rounds.player_play import held_money_of, open_rounds_of
from apps.wallet.contracts import GameTransferRef
from apps.wallet.enums import Direction, Pot
from apps.wallet.selectors import balances, open_receivables, pot_label, undecided_transfers

_NEEDED: Final = {
    "case": ("disputes.view_case", "Cases", "danger"),
    "exclusion": ("players.view_player", "Exclusions", "danger"),
    "limit": ("players.view_limit", "Limits", "warning"),
    "money": ("wallet.view_transfer", "Money", "success"),
    "round": ("rounds.view_roundevent", "Rounds", "info"),
    "session": ("play.view_gamesession", "Sessions", "neutral"),
}
_PAGES: Final = {
    "case": "admin:disputes_case_change",
    "limit": "admin:players_limit_change",
    "money": "admin:wallet_transfer_change",
    "round": "admin:rounds_roundevent_change",
    "session": "admin:play_gamesession_change",
}


def pots_panel(request: HttpRequest, player_id: int) -> Panel | None:
    if not request.user.has_perm("wallet.view_account"):
        return None
    player = player_by_id(player_id)
    pots = balances(player_id)
    # The four that everybody has, then what lies with or was set apart for a provider.
    names = [*Pot.values, *sorted(name for name in pots if name not in Pot.values)]
    owed = [
        display_money(one.open_minor, one.currency) for one in open_receivables(player.player_ref)
    ]
    return Panel(
        title="Money",
        note=f"Owes us {', '.join(owed)}: nothing can be withdrawn until finance has ended that."
        if owed
        else f"All in {player.currency}. Only cash can be withdrawn.",
        tone="warning" if owed else "",
        columns=[pot_label(name) for name in names],
        rows=[[money_cell(pots.get(name), player.currency) for name in names]] if pots else [],
        empty_text="The player has no accounts yet: they open with the first deposit.",
        link=reverse("admin:wallet_account_changelist") + f"?q={player.player_ref}",
        link_text="Accounts",
        links=[
            (_on_its_way(one), reverse("admin:wallet_gametransfer_change", args=[one.id]))
            for one in undecided_transfers(player_id)
        ],
    )


def _on_its_way(transfer: GameTransferRef) -> str:
    """Say of money that is in no pot where it goes: nobody may think that it is lost."""
    amount = display_money(transfer.amount_minor, transfer.currency)
    way = "to" if transfer.direction == Direction.IN else "back from"
    return f"{amount} on its way {way} {transfer.provider_code}"


def held_panel(request: HttpRequest, player_id: int) -> Panel | None:
    """Show for which rounds stakes are held and wins are pending."""
    if not request.user.has_perm("rounds.view_roundevent"):
        return None
    player = player_by_id(player_id)
    held = held_money_of(player_id)
    stake, win = (display_money(m, player.currency) for m in (held.stake_minor, held.win_minor))
    return Panel(
        title="Held stakes and pending wins",
        note=f"Held {stake}, pending {win}. Settled or given back when the round closes."
        if held.events
        else "",
        columns=["Round", "Event", "Provider", "Game", "Held stake", "Pending win", "Since"],
        rows=[
            [
                round_link(event.round),
                event_link(event),
                event.provider.code,
                event.game_code,
                money_cell(event.bet_minor, event.currency),
                money_cell(event.win_minor, event.currency),
                at_cell(event.occurred_at),
            ]
            for event in held.events
        ],
        empty_text="Nothing is held: no round of this player waits for its end.",
        tone="info" if held.events else "",
    )


def rounds_panel(request: HttpRequest, player_id: int) -> Panel | None:
    if not request.user.has_perm("rounds.view_round"):
        return None
    player = player_by_id(player_id)
    now = timezone.now()  # noqa: TID251 - a page reads the clock
    return Panel(
        title="Open rounds",
        note="A round nobody closed within 24 hours is stuck; its page says what to do.",
        columns=["Round", "Provider", "Game", "State", "Stake", "Win so far", "Opened"],
        rows=[
            [
                link_cell(reverse("admin:rounds_round_change", args=[row.pk]), row.round_ref),
                row.provider.code,
                str(row.game),
                round_state_cell(row, now),
                money_cell(row.stake_minor, row.currency),
                money_cell(row.win_minor, row.currency),
                at_cell(row.opened_at),
            ]
            for row in open_rounds_of(player_id)
        ],
        empty_text="Every round of this player is over.",
        link=reverse("admin:rounds_round_changelist") + f"?q={player.player_ref}",
        link_text="All rounds",
    )


def grants_panel(request: HttpRequest, player_id: int) -> Panel | None:
    if not request.user.has_perm("bonuses.view_grant"):
        return None
    return Panel(
        title="Bonuses",
        columns=["Grant", "State", "Done", "Wagered", "Of", "Requirement"],
        rows=[
            [
                link_cell(
                    reverse("admin:bonuses_grant_change", args=[grant.grant_id]), grant.grant_id
                ),
                grant.state,
                _progress(grant.done_bp // 100),
                display_money(grant.done_minor, grant.currency),
                display_money(grant.required_minor, grant.currency),
                grant.sentence,
            ]
            for grant in progress_of_player(player_id)
        ],
        empty_text="The player was never granted a bonus.",
    )


def cases_panel(request: HttpRequest, player_id: int) -> Panel | None:
    if not request.user.has_perm("disputes.view_case"):
        return None
    player = player_by_id(player_id)
    may_open = request.user.has_perm("disputes.open_case")
    return Panel(
        title="Disputes",
        columns=["Case", "Type", "State", "Received"],
        rows=[
            [
                link_cell(reverse("admin:disputes_case_change", args=[case.pk]), case.number),
                case.get_case_type_display(),
                case.get_state_display(),
                at_cell(case.received_at),
            ]
            for case in cases_of_player(player_id)
        ],
        empty_text="The player never disputed anything.",
        link=reverse("admin:disputes_case_add") + f"?player_ref={player.player_ref}"
        if may_open
        else "",
        link_text="Open a dispute",
    )


def _progress(percent: int) -> SafeString:
    return format_html(
        '<progress class="pb-bar" max="100" value="{}"></progress>{} %', percent, percent
    )


def sessions_panel(request: HttpRequest, player_id: int) -> Panel | None:
    if not request.user.has_perm("play.view_gamesession"):
        return None
    player = player_by_id(player_id)
    now = timezone.now()  # noqa: TID251 - a page reads the clock
    return Panel(
        title="Game sessions",
        note="The newest ten. A session that ended takes no new stakes; what was staked settles.",
        columns=["Session", "Provider", "Game", "State", "Opened", "Stakes until"],
        rows=[
            [
                link_cell(
                    reverse("admin:play_gamesession_change", args=[line.session_id]),
                    line.session_id,
                ),
                line.provider_code,
                line.game_code,
                _session_state(line.ended_at, line.end_reason, is_running=line.stakes_until > now),
                at_cell(line.opened_at),
                at_cell(line.stakes_until),
            ]
            for line in newest_sessions(player_id, limit=10)
        ],
        empty_text="The player never launched a game here.",
        link=reverse("admin:play_gamesession_changelist") + f"?q={player.player_ref}",
    )


def _session_state(ended_at: Any, end_reason: str, *, is_running: bool) -> Any:
    if ended_at is not None:
        return format_html("{} {}", badge("ended", "neutral"), end_reason)
    return badge("live", "success") if is_running else badge("run out", "neutral")


def timeline_panel(request: HttpRequest, player_id: int) -> Panel | None:
    """Show what happened, newest first, in pages that go on by key."""
    allowed = [source for source in SOURCES if request.user.has_perm(_NEEDED[source][0])]
    if not allowed:
        return None
    asked = request.GET.get("show", "")
    shown = [asked] if asked in allowed else allowed
    after = place_of(request.GET.get("after", ""))
    page = timeline_of(player_id, shown, after=after)
    return Panel(
        title="Timeline",
        note="Newest first. Rounds by the provider's clock, everything else by ours.",
        columns=["When", "", "What", "Money", "About"],
        rows=[_entry_row(entry) for entry in page.entries],
        empty_text="Nothing further back." if after else "Nothing happened yet.",
        links=_timeline_links(allowed, shown, page.next_key, is_first=after is None),
        anchor="timeline",
    )


def _entry_row(entry: Entry) -> list[Any]:
    _, label, tone = _NEEDED[entry.source]
    name = _PAGES.get(entry.source)
    about = entry.about or entry.what
    return [
        at_cell(entry.at),
        badge(label.removesuffix("s"), tone),
        entry.what,
        _entry_money(entry),
        link_cell(reverse(name, args=[entry.row_id]), about) if name else about,
    ]


def _entry_money(entry: Entry) -> str:
    if entry.first_minor is None:
        return "-"
    if entry.source == "round":
        bet = display_money(entry.first_minor, entry.currency)
        return f"bet {bet}, win {display_money(entry.second_minor or 0, entry.currency)}"
    return display_money(entry.first_minor, entry.currency)


def _timeline_links(
    allowed: list[str], shown: list[str], next_key: str, *, is_first: bool
) -> list[tuple[str, str]]:
    chosen = shown[0] if len(shown) == 1 and len(allowed) > 1 else ""
    links = [("All", "" if not chosen else "?#timeline")]
    for source in allowed:
        address = "" if source == chosen else f"?{urlencode({'show': source})}#timeline"
        links.append((_NEEDED[source][1], address))
    kept = {"show": chosen} if chosen else {}
    if not is_first:
        links.append(("Newest", f"?{urlencode(kept)}#timeline"))
    if next_key:
        links.append(("Older", f"?{urlencode({**kept, 'after': next_key})}#timeline"))
    return links
