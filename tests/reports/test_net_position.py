"""The daily net position adds up what stands, and its export runs nothing in a spreadsheet."""

import csv
import io
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.models import AuditEntry
from apps.core.spreadsheets import safe_cell, to_csv
from apps.players.models import Player
from apps.providers.models import Provider
from apps.reports import selectors
from apps.rounds.models import RoundEvent
from apps.staff.enums import Role
from apps.staff.services import sync_roles
from tests.factories import make_game, make_player, make_provider, make_user
from tests.gateway.builders import take_stakes_without_session
from tests.rounds_makers import fund, play, round_event

_DAY = date(2026, 11, 22)


def _play_a_day(now: datetime) -> None:
    provider = make_provider()
    take_stakes_without_session(provider)
    make_game(provider)
    player = make_player("p-1001")
    fund(player, 10_000, now)
    events = [
        round_event(player, "a-1", now),
        round_event(player, "a-2", now, bet_minor=1_000, win_minor=0),
        round_event(player, "a-3", now - timedelta(days=1), bet_minor=500, win_minor=0),
        round_event(player, "a-4", now, bet_minor=70, win_minor=5, finalized=False),
        round_event(player, "a-5", now, bet_minor=900, win_minor=0),
        round_event(
            player,
            "a-6",
            now,
            bet_minor=0,
            win_minor=0,
            round_type="rollback",
            reference_event_id="a-5",
            round_ref="a-5",
        ),
    ]
    for event in events:
        play(provider, [event], now)


@pytest.mark.django_db
def test_a_day_adds_up_what_stands_and_leaves_out_what_does_not(now: datetime) -> None:
    _play_a_day(now)
    (row,) = selectors.net_position(_DAY)
    assert (row.stake_minor, row.win_minor, row.ggr_minor) == (1_200, 350, 850)
    assert (row.rounds, row.open_minor) == (3, 70)
    assert row.actual_rtp == Decimal("0.2917")
    assert row.theoretical_rtp == Decimal("0.9610")
    assert not row.is_enough_play
    (before,) = selectors.net_position(_DAY - timedelta(days=1))
    assert before.stake_minor == 500
    assert selectors.net_position(_DAY, provider_code="nobody") == []
    assert selectors.latest_day() == _DAY


@pytest.mark.django_db
def test_the_newest_day_is_one_of_play_and_not_of_what_waits_for_its_time(now: datetime) -> None:
    _play_a_day(now)
    player = Player.objects.get()
    play(Provider.objects.get(), [round_event(player, "wild", now + timedelta(days=9_000))], now)
    assert RoundEvent.objects.get(event_id="wild").status == "parked"
    assert selectors.latest_day() == _DAY


@pytest.mark.django_db
def test_totals_never_add_two_currencies(now: datetime) -> None:
    _play_a_day(now)
    rows = selectors.net_position(_DAY)
    totals = selectors.totals_of(rows)
    assert [(total.currency, total.ggr_minor) for total in totals] == [("EUR", 850)]


@pytest.mark.django_db
def test_finance_exports_what_the_page_shows_and_it_is_recorded(
    now: datetime, client: Client
) -> None:
    _play_a_day(now)
    sync_roles(now=now)
    user = make_user(roles=(Role.FINANCE_ANALYST,))
    client.force_login(user)
    url = reverse("admin:reports_netposition_changelist")
    page = client.get(url)
    assert page.status_code == 200
    assert "8.50 EUR" in page.content.decode()
    answer = client.get(url + "?day=2026-11-22&provider=&format=csv")
    (line,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (line["stake"], line["win"], line["ggr"]) == ("12.00", "3.50", "8.50")
    assert AuditEntry.objects.filter(action="reports.net_position.exported").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query",
    [
        "?day=",
        "?day=9999-99-99",
        "?day=x&provider='",
        "?provider=nobody",
        "?day=0001-01-01",
        "?day=9999-12-31",
    ],
)
def test_a_day_that_is_none_is_answered_without_an_error(
    now: datetime, client: Client, query: str
) -> None:
    _play_a_day(now)
    sync_roles(now=now)
    user = make_user(roles=(Role.FINANCE_ANALYST,))
    client.force_login(user)
    assert client.get(reverse("admin:reports_netposition_changelist") + query).status_code == 200


@pytest.mark.django_db
def test_who_may_not_see_reports_gets_none(client: Client) -> None:
    user = make_user()
    client.force_login(user)
    url = reverse("admin:reports_netposition_changelist")
    assert client.get(url + "?format=csv").status_code == 403
    assert not AuditEntry.objects.filter(action="reports.net_position.exported").exists()


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "\uff1d1", "  =1", "\x00=1"]
)
def test_text_that_could_be_a_formula_is_disarmed(text: str) -> None:
    assert safe_cell(text).startswith("'")


def test_numbers_stay_numbers_and_plain_text_stays_as_it_is() -> None:
    assert safe_cell(-5) == "-5"
    assert safe_cell(Decimal("-0.50")) == "-0.50"
    assert safe_cell("aurora-reef") == "aurora-reef"
    assert safe_cell(None) == ""
    body = to_csv(["a", "b"], [['say "x", y', "line\r\nbreak"]])
    assert body == b'\xef\xbb\xbfa,b\r\n"say ""x"", y","line\r\nbreak"\r\n'
