"""The matrix, its gaps and the what-if say what is true, why, and what to do about it."""

import json
from datetime import date, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from apps.compliance.contracts import MatrixQuery
from apps.compliance.selectors.matrix import gaps_at, matrix_at, with_next_action
from apps.compliance.selectors.what_if import what_if
from apps.compliance.services.renewals import open_renewal
from apps.play.services.gate import can_serve
from apps.providers.models import (
    Certificate,
    CertifiedBuild,
    Deployment,
    Game,
    GameBuild,
)
from apps.staff.models import User
from tests.compliance.makers import make_officer, make_revision
from tests.factories import (
    make_cover,
    make_game,
    make_override,
    make_player,
    make_provider,
    make_user,
)
from tests.rounds_makers import fund, play, round_event

pytestmark = pytest.mark.django_db

PAGES = (
    "compliance.view_coveragematrix",
    "compliance.view_whatif",
    "compliance.work_renewal",
    "providers.view_game",
)


@pytest.fixture
def browser() -> Client:
    client = Client()
    client.force_login(
        make_officer("olga", permissions=PAGES),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    return client


def said(at: datetime, **query: Any) -> dict[tuple[str, str], tuple[str, str]]:
    found = matrix_at(at, MatrixQuery(**query))
    return {
        (row.game.game_code, place): (cell.state, cell.text)
        for row in found.rows
        for place, cell in row.cells.items()
    }


def test_each_cell_says_its_state_in_words(now: datetime) -> None:
    provider = make_provider()
    places = ("MT", "AU-NT")
    reef = make_game(provider, "aurora-reef", offered_in=places)
    make_cover(reef, "MT")
    soon = make_game(provider, "aurora-soon")
    make_cover(soon, expires_on=date(2026, 12, 2))
    overdue = make_game(provider, "aurora-overdue")
    report = make_cover(overdue)
    Certificate.objects.filter(pk=report.pk).update(review_due_on=date(2026, 11, 20))
    lapsed = make_game(provider, "aurora-lapsed")
    make_cover(lapsed, expires_on=date(2026, 11, 21))
    held = make_game(provider, "aurora-held")
    make_override(held, "MT", now)
    assert said(now) == {
        ("aurora-reef", "MT"): ("covered", "Covered"),
        ("aurora-reef", "AU-NT"): ("prohibited", "Prohibited (AU-0)"),
        ("aurora-soon", "MT"): ("expiring", "Expires in 10 days"),
        ("aurora-overdue", "MT"): ("review_overdue", "Review 2 days overdue"),
        ("aurora-lapsed", "MT"): ("not_covered", "Not covered: expired"),
        ("aurora-held", "MT"): ("override", "Override until 2026-11-23 10:15 UTC"),
    }
    assert set(said(now, state="expiring")) == {("aurora-soon", "MT")}
    assert set(said(now, jurisdiction="AU-NT", text="REEF")) == {("aurora-reef", "AU-NT")}
    assert said(now, provider_code="borealis") == {}


@pytest.mark.parametrize(
    ("moment", "state"),
    [
        ("2026-11-30T22:59:59+00:00", "expiring"),
        ("2026-11-30T23:00:00+00:00", "not_covered"),
    ],
)
def test_a_day_ends_at_midnight_in_malta(moment: str, state: str) -> None:
    make_cover(make_game(make_provider()), "MT", expires_on=date(2026, 11, 30))
    assert said(datetime.fromisoformat(moment))["aurora-reef", "MT"][0] == state


def test_a_low_rtp_is_against_the_law_of_the_place(now: datetime) -> None:
    game = make_game(make_provider())
    make_cover(game)
    Game.objects.filter(pk=game.pk).update(theoretical_rtp="0.8400")
    assert said(now)["aurora-reef", "MT"] == ("prohibited", "RTP below floor (MT-RTP)")


def test_a_gap_names_the_report_to_renew_and_who_has_it(now: datetime) -> None:
    provider = make_provider()
    lapsed = make_cover(make_game(provider), expires_on=date(2026, 11, 1))
    make_game(provider, "aurora-wake")
    make_cover(make_game(provider, "aurora-moon", offered_in=("MT", "GB")), "MT")

    def gaps() -> dict[tuple[str, str], tuple[str, str]]:
        found = with_next_action(gaps_at(now, MatrixQuery()), now)
        return {(one.game.game_code, one.jurisdiction): (one.code, one.action) for one in found}

    assert gaps() == {
        ("aurora-reef", "MT"): ("expired", "Renew it, or withdraw the offer"),
        ("aurora-wake", "MT"): ("no_certificate", "Upload the report, or withdraw the offer"),
        ("aurora-moon", "GB"): (
            "other_jurisdiction",
            "Have the lab add the jurisdiction, or withdraw the offer",
        ),
    }
    open_renewal(
        certificate_id=lapsed.pk,
        acting_user=make_officer("dan"),
        reason="It ended unseen.",
        now=now,
    )
    assert gaps()["aurora-reef", "MT"] == ("expired", "Renewal: open, due 2026-11-01")


def run_another_package(game: Game, certificate: Certificate, now: datetime) -> None:
    build = GameBuild.objects.create(game=game, version="1.0", created_at=now)
    CertifiedBuild.objects.create(
        certificate=certificate,
        game_code=game.game_code,
        build_version="1.0",
        digest="a" * 64,
        created_at=now,
    )
    Deployment.objects.create(
        game=game, jurisdiction="MT", build=build, starts_at=now, digest="b" * 64, created_at=now
    )


def test_a_renewal_in_hand_hides_no_instruction_that_no_report_fulfils(now: datetime) -> None:
    game = make_game(make_provider())
    certificate = make_cover(game, expires_on=date(2026, 12, 12))
    run_another_package(game, certificate, now)
    open_renewal(
        certificate_id=certificate.pk,
        acting_user=make_officer("dan"),
        reason="It ends in three weeks.",
        now=now,
    )
    [gap] = with_next_action(gaps_at(now, MatrixQuery()), now)
    stop = "Stop the game: another package runs than was certified"
    assert (gap.code, gap.action, gap.renewal_id) == ("digest_mismatch", stop, None)


def test_a_cell_says_who_stands_in_for_a_report_and_what_is_odd_about_one(
    browser: Client, now: datetime
) -> None:
    provider = make_provider()
    lifted, covered = make_game(provider), make_game(provider, "aurora-wake")
    make_override(lifted, "MT", now)
    certificate = make_cover(covered)
    with time_machine.travel(now, tick=False):
        pages = {
            game.game_code: strip_tags(
                browser.get(
                    reverse("admin:compliance_coveragematrix_cell", args=[game.pk, "MT"])
                ).content.decode()
            )
            for game in (lifted, covered)
        }
    by_two = pages["aurora-reef"]
    assert "A launch would be allowed" in by_two
    assert "by two people, until" in by_two
    assert "no certificate" in by_two
    remarks = can_serve(game_id=covered.pk, jurisdiction="MT", at=now).remarks
    assert remarks
    assert all(unescape(pages["aurora-wake"]).count(remark.text) >= 2 for remark in remarks)
    assert str(certificate.report_number) in pages["aurora-wake"]


def test_a_games_page_says_what_the_gate_says_in_each_place(browser: Client, now: datetime) -> None:
    game = make_game(make_provider(), offered_in=("AU-NT", "IM", "MT"))
    make_cover(game, "AU-NT")
    make_cover(game, "MT")
    with time_machine.travel(now, tick=False):
        page = browser.get(reverse("admin:providers_game_change", args=[game.pk]))
    panel = next(one for one in page.context["panels"] if one.title == "On offer, and served")
    said = {strip_tags(place): (strip_tags(badge), why) for place, badge, why in panel.rows}
    assert [(place, answer) for place, (answer, _) in said.items()] == [
        ("AU-NT", "refused"),
        ("IM", "refused"),
        ("MT", "allowed"),
    ]
    assert "prohibited" in said["AU-NT"][1]


def test_what_the_register_lacks_leads_to_the_page_where_it_is_put_in(
    browser: Client, now: datetime
) -> None:
    game = make_game(make_provider())
    certificate = make_cover(game)
    CertifiedBuild.objects.create(
        certificate=certificate,
        game_code=game.game_code,
        build_version="1.0",
        digest="",
        created_at=now,
    )
    [gap] = with_next_action(gaps_at(now, MatrixQuery()), now)
    assert gap.code == "build_unknown"
    with time_machine.travel(now, tick=False):
        cell = reverse("admin:compliance_coveragematrix_cell", args=[game.pk, "MT"])
        pages = [cell, reverse("admin:compliance_coveragematrix_gaps")]
        link = f'href="{reverse("admin:providers_game_change", args=[game.pk])}"'
        assert all(link in browser.get(page).content.decode() for page in pages)


def test_the_pages_show_it_with_a_way_to_the_reason(browser: Client, now: datetime) -> None:
    provider = make_provider()
    game = make_game(provider)
    lapsed = make_cover(game, expires_on=date(2026, 11, 1))
    with time_machine.travel(now, tick=False):
        page = browser.get(reverse("admin:compliance_coveragematrix_changelist"))
        cell_url = reverse("admin:compliance_coveragematrix_cell", args=[game.pk, "MT"])
        assert cell_url in page.content.decode()
        cell = browser.get(cell_url).content.decode()
        gaps = browser.get(reverse("admin:compliance_coveragematrix_gaps")).content.decode()
        past = browser.get(cell_url, {"at": "2026-10-31T12:00"}).content.decode()
    assert "A launch would be refused" in cell
    assert f"{lapsed} was valid through 2026-11-01." in cell
    assert f"{reverse('admin:compliance_renewal_add')}?certificate={lapsed.pk}" in gaps
    assert f"{lapsed.report_number} rev 1" in past


@pytest.mark.parametrize("at", ["", "nonsense", "0001-01-01T00:00", "9999-12-31T23:59", "\x00"])
def test_a_moment_that_is_none_is_now(browser: Client, at: str) -> None:
    make_game(make_provider())
    for name in ("changelist", "gaps"):
        page = browser.get(reverse(f"admin:compliance_coveragematrix_{name}"), {"at": at})
        assert page.status_code == 200


@pytest.fixture
def played(now: datetime) -> Game:
    provider = make_provider()
    game = make_game(provider, offered_in=("MT", "GB"))
    make_cover(game, "MT", expires_on=date(2026, 12, 31))
    for name in ("p-1001", "p-1002"):
        player = make_player(name)
        fund(player, 10_000, now)
        play(provider, [round_event(player, f"{name}-1", now)], now)
    return game


def test_what_if_counts_games_money_and_players_that_stop(played: Game, now: datetime) -> None:
    later = now + timedelta(hours=1)
    assert what_if(date(2026, 12, 31), later).lost == []
    answer = what_if(date(2027, 1, 1), later)
    [offer] = answer.lost
    assert (offer.game_code, offer.jurisdiction) == ("aurora-reef", "MT")
    assert answer.stake_minor == {"EUR": sum(stake.stake_minor for stake in offer.stakes)}
    assert answer.stake_minor["EUR"] > 0
    assert (answer.rounds, answer.players) == (2, ["p-1001", "p-1002"])
    stale = what_if(date(2027, 1, 1), now + timedelta(days=31))
    assert (stale.stake_minor, stale.players) == ({}, [])


def test_what_if_without_a_report_does_not_bring_its_forerunner_back(
    played: Game, now: datetime
) -> None:
    old = Certificate.objects.get()
    new = make_revision(old, effective_on=date(2026, 11, 1))
    answer = what_if(date(2026, 11, 25), now, without=(new.pk, str(new)))
    assert [offer.jurisdiction for offer in answer.lost] == ["MT"]
    spare = make_cover(played, "MT")
    assert what_if(date(2026, 11, 25), now, without=(new.pk, str(new))).lost == []
    assert what_if(date(2026, 11, 25), now, without=(spare.pk, str(spare))).lost == []


def test_the_command_and_the_page_say_the_same(
    played: Game, browser: Client, now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    report = Certificate.objects.get()
    with time_machine.travel(now + timedelta(hours=1), tick=False):
        call_command("what_if", "--on", "2026-12-01", "--without", str(report), "--json")
        said = json.loads(capsys.readouterr().out)
        call_command("what_if", "--on", "2027-01-01")
        text = capsys.readouterr().out
        page = browser.get(
            reverse("admin:compliance_whatif_changelist"),
            {"on": "2026-12-01", "without": report.report_number},
        ).content.decode()
        with pytest.raises(CommandError):
            call_command("what_if", "--on", "2026-12-01", "--without", "NONE-1")
    assert said["players"] == ["p-1001", "p-1002"]
    assert [(offer["game_code"], offer["jurisdiction"]) for offer in said["lost"]] == [
        ("aurora-reef", "MT")
    ]
    assert "1 offers lose cover" in text
    assert "p-1001, p-1002" in strip_tags(page)
    assert "1 game in 1 jurisdiction would stop" in page


def test_the_matrix_asks_the_database_the_same_number_of_times_however_many_games(
    now: datetime,
) -> None:
    provider = make_provider()

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            matrix_at(now, MatrixQuery())
        return len(captured)

    make_cover(make_game(provider, "aurora-0"))
    few = queries()
    for number in range(1, 8):
        make_cover(make_game(provider, f"aurora-{number}"))
    assert queries() == few


@pytest.mark.parametrize("query", [MatrixQuery(game_code="aurora-1"), MatrixQuery(text="aurora-1")])
def test_what_is_asked_of_one_game_judges_that_game_alone(
    query: MatrixQuery, now: datetime
) -> None:
    provider = make_provider()
    for number in range(3):
        make_game(provider, f"aurora-{number}")
    with CaptureQueriesContext(connection) as captured:
        found = gaps_at(now, query)
    assert [(game.game_code, cell.jurisdiction) for game, cell in found] == [("aurora-1", "MT")]
    reports = [sql["sql"] for sql in captured if "FROM providers_certificate" in sql["sql"]]
    assert reports
    assert all("aurora-1" in sql for sql in reports)


def test_pages_need_their_permission() -> None:
    outsider: User = make_user(permissions=("providers.view_certificate",))
    client = Client()
    client.force_login(outsider, backend="django.contrib.auth.backends.ModelBackend")
    for page in ("coveragematrix", "whatif", "deskcalendar"):
        answer = client.get(reverse(f"admin:compliance_{page}_changelist"))
        assert answer.status_code == 403
