"""A player's card: money, rounds, limits and one timeline that pages by key."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from apps.gateway.services.game_transfers import transfer_in
from apps.play.models import GameSession
from apps.players.models import Limit, Player
from apps.reports import statements, timeline
from apps.reports.timeline import SOURCES, Place, place_of, timeline_of
from apps.rounds.models import RoundEvent
from apps.staff.enums import Role
from apps.staff.services import sync_roles
from apps.wallet.models import Account, Transfer
from tests.big_rows import fill
from tests.factories import make_player, make_user
from tests.gateway.builders import NOW, Casino, deposit, later, open_casino
from tests.gateway.game_wallet import GameWallet
from tests.gateway.test_wallet_models_transfer import order, played_there
from tests.plans import plan_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def casino(now: datetime) -> Casino:
    sync_roles(now=now)
    return open_casino()


def card(client: Client, player: Player, query: str = "") -> str:
    answer = client.get(reverse("admin:players_player_change", args=[player.pk]) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def enter(client: Client, role: Role) -> None:
    client.force_login(make_user(roles=(role,)))


@pytest.mark.parametrize("role", [Role.CS_AGENT, Role.CS_SUPERVISOR, Role.COMPLIANCE_OFFICER])
def test_service_and_compliance_see_pots_holds_and_open_rounds(
    client: Client, casino: Casino, role: Role
) -> None:
    casino.send_one(casino.tentative("e-1"))
    enter(client, role)
    text = card(client, casino.player)
    for expected in (
        "98.00 AUD",
        "Held 2.00 AUD, pending 3.50 AUD",
        "Open rounds",
        "r-1",
        "Limits and exclusions",
        "Game sessions",
        "Timeline",
        "bet 2.00 AUD, win 3.50 AUD",
    ):
        assert expected in text, expected


def test_a_promo_manager_sees_no_money_and_no_sessions(client: Client, casino: Casino) -> None:
    casino.send_one(casino.tentative("e-1"))
    enter(client, Role.PROMO_MANAGER)
    assert "Limits and exclusions" not in card(client, casino.player)
    text = card(client, casino.player)
    assert "Held 2.00 AUD" in text  # rounds are theirs to see
    assert "Accounts" not in text
    assert "Game sessions" not in text
    assert "deposit" not in text


def test_an_empty_card_says_so(client: Client, casino: Casino) -> None:
    enter(client, Role.CS_AGENT)
    text = card(client, make_player("p-new"))
    for expected in (
        "no accounts yet",
        "Nothing is held",
        "Every round of this player is over",
        "never launched a game",
        "Nothing happened yet",
    ):
        assert expected in text, expected


@pytest.mark.parametrize(
    "query",
    [
        "?after=x",
        "?after=%00",
        "?after=2026-11-18T10:00:00~round~1",
        "?after=2026-11-18T10:00:00%2B00:00~table~1",
        "?after=2026-11-18T10:00:00%2B00:00~round~99999999999999999999",
        "?after=0001-01-01T00:00:00%2B00:00~round~1",
        "?after=2026-11-18T10:00:00%2B00:00~round~²",
        "?show=everything",
        "?show=%00",
        "?show=money&show=round",
    ],
)
def test_a_hostile_place_in_the_timeline_is_ignored(
    client: Client, casino: Casino, query: str
) -> None:
    enter(client, Role.CS_AGENT)
    card(client, casino.player, query)


def test_the_card_renews_its_panels(client: Client, casino: Casino) -> None:
    enter(client, Role.CS_AGENT)
    url = reverse("admin:players_player_change", args=[casino.player.pk])
    answer = client.get(url, headers={"X-Pitboss-Fragment": "1"})
    text = answer.content.decode()
    assert "<html" not in text
    assert "Timeline" in text
    assert "csrfmiddlewaretoken" not in text


def test_pages_by_key_show_everything_once_and_in_order(casino: Casino) -> None:
    for number in range(12):
        casino.send_one(casino.event(f"e-{number}", round_id=f"r-{number}"))
    for number in range(6):
        deposit(casino.player, 100, key=f"deposit-{number}")
    whole = timeline_of(casino.player.pk, list(SOURCES), most=100)
    assert whole.next_key == ""
    assert len(whole.entries) == 12 + 7
    seen: list[timeline.Entry] = []
    place: Place | None = None
    while True:
        page = timeline_of(casino.player.pk, list(SOURCES), after=place, most=4)
        seen += page.entries
        if not page.next_key:
            break
        place = place_of(page.next_key)
        assert place is not None
    assert tuple(seen) == whole.entries
    moments = [entry.at for entry in seen]
    assert moments == sorted(moments, reverse=True)


def test_what_comes_in_later_moves_no_page(casino: Casino) -> None:
    for number in range(6):
        casino.send_one(casino.event(f"e-{number}", timestamp=later(number).isoformat()))
    first = timeline_of(casino.player.pk, ["round"], most=3)
    place = place_of(first.next_key)
    before = timeline_of(casino.player.pk, ["round"], after=place, most=3)
    casino.send_one(casino.event("e-new", timestamp=later(60).isoformat()))
    assert timeline_of(casino.player.pk, ["round"], after=place, most=3) == before
    assert [entry.about.split()[0] for entry in before.entries] == ["e-2", "e-1", "e-0"]


def test_only_what_a_person_may_see_is_asked_for(client: Client, casino: Casino) -> None:
    casino.send_one(casino.event("e-1"))
    enter(client, Role.PROMO_MANAGER)
    text = card(client, casino.player, "?show=money")
    assert "bet 2.00 AUD" in text
    assert "opening" not in text


@pytest.mark.parametrize(
    ("statement", "tables", "index"),
    [
        (statements.ROUND_EVENTS, [RoundEvent], "rounds_event_player_day"),
        (statements.SESSIONS, [GameSession], "play_session_of_player"),
        (statements.MONEY, [Transfer], "wallet_transfer_debit_account_id"),
        (statements.LIMITS, [Limit], "players_limit_player"),
    ],
)
def test_the_timeline_reads_by_index(statement: str, tables: list[type[Model]], index: str) -> None:
    fill([Player, Account], rows=40)
    of = ("player_id", "debit_account_id", "credit_account_id")
    fill(tables, rows=20_000, values=dict.fromkeys(of, "mod(i, 40) + 1"))
    params: dict[str, Any] = {
        "player": 7,
        "at": datetime.now(UTC) + timedelta(days=1),
        "id": timeline._LAST_ID,
        "most": 25,
        "round_kinds": statements.ROUND_KINDS,
    }
    plan = plan_of(statement, params)
    assert index in plan, plan
    for table in tables:
        assert f"Seq Scan on {table._meta.db_table}" not in plan, plan


def test_the_card_says_what_the_player_owes_before_anybody_promises_a_withdrawal(
    client: Client, casino: Casino
) -> None:
    enter(client, Role.CS_AGENT)
    assert "Only cash can be withdrawn." in card(client, casino.player)
    casino.send_one(casino.event("e-1", bet_amount="150.00", win_amount="0.00"))
    casino.send_one(casino.event("e-2", bet_amount="0.00", win_amount="20.00"))
    text = card(client, casino.player)
    assert "20.00 AUD" in text
    assert "Owes us 50.00 AUD: nothing can be withdrawn until finance has ended that." in text


def test_money_on_its_way_is_in_no_pot_and_on_the_card(client: Client, casino: Casino) -> None:
    there = played_there(casino, GameWallet(url="https://games.example/wallet"))
    went = transfer_in(order(there, 3_000), now=NOW)
    enter(client, Role.CS_AGENT)
    text = card(client, casino.player)
    assert "70.00 AUD" in text
    assert "30.00 AUD on its way to aurora" in text
    assert reverse("admin:wallet_gametransfer_change", args=[went.id]) in text
