"""What a player's page shows from the apps above players; each panel with its own permission."""

from django.http import HttpRequest
from django.urls import reverse

from apps.bonuses.selectors import progress_of_player
from apps.core.admin import Panel, at_cell, badge, link_cell, money_cell
from apps.core.money import display_money
from apps.disputes.selectors import cases_of_player
from apps.players.selectors import player_by_id
from apps.rounds.panels import STATE_TONES
from apps.rounds.selectors import rounds_of_player
from apps.wallet.enums import Pot
from apps.wallet.selectors import balances


def pots_panel(request: HttpRequest, player_id: int) -> Panel | None:
    if not request.user.has_perm("wallet.view_account"):
        return None
    player = player_by_id(player_id)
    pots = balances(player_id)
    return Panel(
        title="Money",
        note="Only cash can be withdrawn.",
        columns=[pot.label for pot in Pot],
        rows=[[money_cell(pots.get(pot.value), player.currency) for pot in Pot]] if pots else [],
        empty_text="The player has no accounts yet.",
        link=reverse("admin:wallet_account_changelist") + f"?q={player.player_ref}",
        link_text="Accounts",
    )


def rounds_panel(request: HttpRequest, player_id: int) -> Panel | None:
    if not request.user.has_perm("rounds.view_round"):
        return None
    player = player_by_id(player_id)
    return Panel(
        title="Latest rounds",
        columns=["Round", "Provider", "Game", "State", "Stake", "Win", "Opened"],
        rows=[
            [
                link_cell(reverse("admin:rounds_round_change", args=[row.pk]), row.round_ref),
                str(row.provider),
                str(row.game),
                badge(row.get_state_display(), STATE_TONES[row.state]),
                money_cell(row.stake_minor, row.currency),
                money_cell(row.win_minor, row.currency),
                at_cell(row.opened_at),
            ]
            for row in rounds_of_player(player_id, limit=15)
        ],
        empty_text="The player has not played yet.",
        link=reverse("admin:rounds_roundevent_changelist") + f"?q={player.player_ref}",
        link_text="All events",
    )


def grants_panel(request: HttpRequest, player_id: int) -> Panel | None:
    if not request.user.has_perm("bonuses.view_grant"):
        return None
    return Panel(
        title="Bonuses",
        columns=["Grant", "State", "Wagered", "Of", "Done", "Requirement"],
        rows=[
            [
                link_cell(
                    reverse("admin:bonuses_grant_change", args=[grant.grant_id]), grant.grant_id
                ),
                grant.state,
                display_money(grant.done_minor, grant.currency),
                display_money(grant.required_minor, grant.currency),
                f"{grant.done_bp // 100} %",
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
