"""Every figure that an auditor sees opens to as many rows as it says."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.compliance.models import UncertifiedPlay, UncoveredDay
from apps.onboarding.enums import ChecklistItem
from apps.onboarding.models import ItemProof, Onboarding
from apps.players.models import Player
from apps.providers.models import Certificate, CertifiedBuild, CriticalFile, Document, Game
from apps.staff.contracts import HomeCard
from apps.staff.enums import Role
from tests.auditing.figures import rows_behind
from tests.auditing.makers import client_of
from tests.factories import make_cover, make_game, make_player, make_provider, make_user
from tests.rounds_makers import fund, play, round_event

pytestmark = pytest.mark.django_db


@pytest.fixture
def auditor() -> Client:
    call_command("seed_roles", verbosity=0)
    return client_of(make_user("aud", roles=(Role.AUDITOR,)))


@pytest.fixture
def floor() -> Player:
    """A provider whose desk has something of everything, and a player who played on it."""
    now = timezone.now()
    today = now.astimezone(UTC).date()
    provider = make_provider()
    reef = make_game(provider, offered_in=("MT", "GB", "AU-NT"))
    report = make_cover(reef, expires_on=today + timedelta(days=20))
    both = make_cover(reef, expires_on=today + timedelta(days=80))
    Certificate.objects.filter(pk=both.pk).update(review_due_on=today + timedelta(days=10))
    make_cover(reef, expires_on=today + timedelta(days=300))
    build = CertifiedBuild.objects.create(
        certificate=report, game_code=reef.game_code, build_version="1", created_at=now
    )
    CriticalFile.objects.create(build=build, path="core.so", algorithm="sha1", digest="a" * 40)
    Document.objects.filter(pk=both.document_id).update(signature_state="invalid")
    for number in range(10):
        make_uncovered(make_game(provider, f"aurora-{number}", offered_in=()), "MT", today)
    make_uncovered(reef, "GB", today - timedelta(days=8))
    onboarding = Onboarding.objects.create(provider=provider, opened_at=now)
    for item in list(ChecklistItem)[:2]:
        ItemProof.objects.create(
            onboarding=onboarding,
            item=item,
            is_green=False,
            summary="It fails now.",
            evidence={},
            proved_at=now,
        )
    Onboarding.objects.create(provider=make_provider("borealis"), opened_at=now)
    player = make_player("p-1")
    fund(player, 10_000, now)
    events = [round_event(player, f"a-{number}", now) for number in range(3)]
    play(provider, events, now)
    return player


def make_uncovered(game: Game, jurisdiction: str, day: date) -> None:
    """Two currencies were played on one uncovered day: one row with two lines of play."""
    at = datetime.combine(day, datetime.min.time(), tzinfo=UTC)
    where = UncoveredDay.objects.create(
        day=day,
        game=game,
        jurisdiction=jurisdiction,
        minutes=60,
        first_minutes=60,
        reasons="No report.",
        first_seen_at=at,
        computed_at=at,
    )
    for currency in ("EUR", "JPY"):
        UncertifiedPlay.objects.create(
            uncovered=where,
            currency=currency,
            rounds=2,
            players=1,
            stake_minor=400,
            most_rounds=2,
            most_players=1,
            most_stake_minor=400,
            win_minor=0,
            first_at=at,
            last_at=at,
        )


def figures(cards: list[HomeCard]) -> dict[str, str]:
    return {card.title: card.value for card in cards if card.value}


def test_each_figure_on_the_auditors_home_opens_to_that_many_rows(
    auditor: Client, floor: Player
) -> None:
    response: Any = auditor.get(reverse("admin:index"))
    cards: list[HomeCard] = response.context["cards"]
    shown = figures(cards)
    # What this floor was made to show; the rest may be nothing.
    assert {
        title: shown[title]
        for title in (
            "Offers without cover",
            "Played without cover, last 7 days",
            "Certificates that end",
            "Invalid signatures",
            "Games not measured for a day",
            "Live providers with an open item",
        )
    } == {
        "Offers without cover": "2",
        "Played without cover, last 7 days": "8+",
        "Certificates that end": "2",
        "Invalid signatures": "1",
        "Games not measured for a day": "1",
        "Live providers with an open item": "1",
    }
    page = response.content.decode()
    for card in cards:
        if not card.value:
            continue
        assert card.link, f"{card.title}: the figure leads nowhere"
        assert f'<a href="{card.link}">{card.value}</a>' in page.replace("&amp;", "&"), card.title
        found = rows_behind(auditor, card.link)
        if card.value.endswith("+"):
            assert found > int(card.value[:-1]), card.title
        else:
            assert found == int(card.value.replace(",", "")), card.title
    assert rows_behind(auditor, reverse("admin:compliance_uncoveredday_changelist")) == 11


def test_each_row_on_the_auditors_home_opens(auditor: Client, floor: Player) -> None:
    response: Any = auditor.get(reverse("admin:index"))
    rows = [row for card in response.context["cards"] for row in card.rows]
    assert rows
    for row in rows:
        assert row.link, row.title
        assert auditor.get(row.link).status_code == 200, row.link


def test_each_figure_of_the_net_position_opens_to_the_rounds_it_counts(
    auditor: Client, floor: Player
) -> None:
    day = timezone.now().astimezone(UTC).date()
    page: Any = auditor.get(reverse("admin:reports_netposition_changelist") + f"?day={day}")
    totals, games = page.context["panels"]
    # Rounds, stake, win, corrections and GGR; the totals have open stakes too.
    for panel, count in ((totals, 6), (games, 5)):
        assert len(panel.rows) == 1
        cells = [str(cell) for cell in panel.rows[0]]
        links = [re.findall(r'href="([^"]+)"', cell) for cell in cells]
        figures_shown = [cell for cell, link in zip(cells, links, strict=True) if link]
        assert len(figures_shown) == count
        assert "6.00 EUR" in "".join(cells).replace("\xa0", " ")
        address = next(link[0] for link in links if link).replace("&amp;", "&")
        assert rows_behind(auditor, address) == 3
    assert rows_behind(auditor, reverse("admin:rounds_round_changelist")) == 3


@pytest.mark.parametrize(
    "text",
    ["", "x", "1|2|3", "1|2026-11-01|2026-11-02|EUR|", "1|a|b|EUR|", "9" * 30 + "|a|b|c|", "\x00"],
)
def test_an_address_that_names_no_figure_shows_every_round(
    auditor: Client, floor: Player, text: str
) -> None:
    listing = reverse("admin:rounds_round_changelist")
    response: Any = auditor.get(listing, {"play": text})
    assert response.status_code == 200
    assert response.context["cl"].result_count == 3


def test_the_rounds_of_a_figure_leave_other_days_currencies_and_games_out(
    auditor: Client, floor: Player
) -> None:
    now = timezone.now()
    provider_id = Game.objects.get(game_code="aurora-reef").provider_id
    start, end = now - timedelta(hours=1), now + timedelta(hours=1)

    def listed(*parts: Any) -> int:
        response: Any = auditor.get(
            reverse("admin:rounds_round_changelist"), {"play": "|".join(map(str, parts))}
        )
        return int(response.context["cl"].result_count)

    assert listed(provider_id, start.isoformat(), end.isoformat(), "EUR", "") == 3
    assert listed(provider_id, start.isoformat(), end.isoformat(), "EUR", "aurora-reef") == 3
    assert listed(provider_id, start.isoformat(), end.isoformat(), "EUR", "aurora-wake") == 0
    assert listed(provider_id, start.isoformat(), end.isoformat(), "AUD", "") == 0
    assert listed(provider_id, start.isoformat(), start.isoformat(), "EUR", "") == 0
    assert listed(provider_id + 1, start.isoformat(), end.isoformat(), "EUR", "") == 0
