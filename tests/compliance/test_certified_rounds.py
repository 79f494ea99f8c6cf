"""A round's page names a certificate exactly if the certificate's page lists the round."""

import json
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from apps.compliance.selectors.certified import page_under, rounds_under, spans_under, sums_under
from apps.players.contracts import PlayerUpdate
from apps.players.models import Player
from apps.players.services import save_player
from apps.providers.models import (
    Certificate,
    CertificateGame,
    CertificateJurisdiction,
    Game,
    Provider,
)
from apps.providers.selectors.proof import FOR_GOOD
from apps.providers.services import scope
from apps.providers.services.builds import (
    Editing,
    NewBuild,
    NewDeployment,
    add_build,
    deploy,
    end_deployment,
)
from apps.providers.services.scope import NamedBuild
from apps.rounds.models import Round, RoundEvent
from apps.rounds.proving import proof_of_round
from tests.compliance.makers import make_officer, make_revision
from tests.factories import make_cover, make_game, make_player, make_provider, make_user
from tests.rounds_makers import fund, play, round_event

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
PAGE = "admin:compliance_certifiedplay_changelist"


def named_by_rounds() -> dict[int, set[int]]:
    """Ask each round for its proof: the reading that the page must agree with."""
    found: dict[int, set[int]] = {}
    for one in Round.objects.select_related("player"):
        proof = proof_of_round(one)
        for certificate in proof.cover.proofs if proof else ():
            found.setdefault(certificate.id, set()).add(one.pk)
    return found


def listed(certificate: Certificate) -> list[int]:
    return [one.id for one in rounds_under(spans_under(certificate.pk))]


def bet(provider: Provider, player: Player, event_id: str, at: datetime, **changes: Any) -> None:
    play(provider, [round_event(player, event_id, at, **changes)], at)


def random_register(draw: random.Random, provider: Provider, now: datetime) -> list[Game]:
    """Draw games with reports, revisions, builds and deployments that begin, end and overlap."""
    editing = Editing(acting_user=None, reason="Drawn.", now=now - 60 * DAY)
    games = [make_game(provider, f"aurora-{n}", offered_in=("MT", "SE")) for n in range(3)]
    for game in games:
        for _ in range(3):
            ends = now.date() + draw.randint(-12, 5) * DAY
            report = make_cover(game, draw.choice(["MT", "SE"]), expires_on=ends)
            if draw.random() < 0.5:
                other = draw.choice(games)
                CertificateGame.objects.get_or_create(certificate=report, game_code=other.game_code)
                CertificateJurisdiction.objects.get_or_create(certificate=report, jurisdiction="MT")
            if draw.random() < 0.4:
                make_revision(report, effective_on=now.date() - draw.randint(0, 12) * DAY)
        if draw.random() < 0.7:
            _random_deployments(draw, game, editing, now)
    return games


def _random_deployments(draw: random.Random, game: Game, editing: Editing, now: datetime) -> None:
    for channel in ("mobile", "desktop"):
        build = add_build(NewBuild(game.pk, f"1.{draw.randint(0, 1)}", channel=channel), editing)
        start = now - draw.randint(2, 12) * DAY - draw.randint(0, 23) * timedelta(hours=1)
        one = deploy(NewDeployment("MT", build.pk, None, start, channel=channel), editing)
        if draw.random() < 0.5:
            until = start + draw.randint(1, 40) * timedelta(hours=1)
            end_deployment(deployment_id=one.pk, ends_at=until, editing=editing)
        if draw.random() < 0.5:
            certificate = Certificate.objects.filter(games__game_code=game.game_code).order_by("pk")
            named = NamedBuild(game.game_code, build.version)
            scope.name_build(draw.choice(list(certificate)).pk, named, editing)


def random_moves(draw: random.Random, players: list[Player], now: datetime) -> list[datetime]:
    """Let the players move from place to place and back, in order; return when they did."""
    moments = sorted(now - draw.randint(1, 11 * 86_400) * timedelta(seconds=1) for _ in range(5))
    for at in moments:
        player = draw.choice(players)
        player.refresh_from_db()
        place = draw.choice([one for one in ("MT", "SE", "GB") if one != player.jurisdiction])
        update = PlayerUpdate(player.player_ref, player.currency, place, "verified")
        save_player(update, reason="Moved.", now=at)
    return moments


@pytest.mark.parametrize("seed", range(6))
def test_a_round_names_a_certificate_exactly_if_the_certificate_lists_the_round(
    seed: int, now: datetime
) -> None:
    draw = random.Random(seed)
    provider = make_provider()
    games = random_register(draw, provider, now)
    players = [make_player(f"p-{n}", jurisdiction=place) for n, place in enumerate(("MT", "SE"))]
    for player in players:
        fund(player, 1_000_000, now)
    spans = [span for one in Certificate.objects.all() for span in spans_under(one.pk)]
    turns = [turn for span in spans for turn in (span.start, span.end) if turn < now]
    turns += random_moves(draw, players, now)
    for number in range(60):
        near = draw.choice(turns) + draw.choice([-1, 0, 1]) * timedelta(microseconds=1)
        at = draw.choice([near, now - draw.randint(0, 12 * 86_400) * timedelta(seconds=1)])
        code = draw.choice(games).game_code
        bet(provider, draw.choice(players), f"e-{number}", at, game_code=code)
        if draw.random() < 0.2:
            # A second event of the same round, at the very moment of the first.
            bet(provider, players[0], f"f-{number}", at, game_code=code, round_ref=f"e-{number}")
    expected = named_by_rounds()
    found = {one.pk: listed(one) for one in Certificate.objects.all()}
    assert {pk: set(ids) for pk, ids in found.items() if ids} == expected
    assert all(max(Counter(ids).values(), default=1) == 1 for ids in found.values())
    assert sum(map(len, found.values())) > 20
    for one in Certificate.objects.all():
        sums = sums_under(spans_under(one.pk))
        rounds = list(Round.objects.filter(pk__in=found[one.pk]))
        assert sum(item.rounds for item in sums) == len(rounds)
        assert sum(item.stake_minor for item in sums) == sum(item.stake_minor for item in rounds)


def test_a_page_goes_on_where_the_last_one_ended(now: datetime) -> None:
    provider, player = make_provider(), make_player()
    certificate = make_cover(make_game(provider))
    fund(player, 100_000, now)
    moments = [now - timedelta(minutes=n // 3) for n in range(7)]
    for number, at in enumerate(moments):
        bet(provider, player, f"e-{number}", at)
    spans = spans_under(certificate.pk)
    assert [(span.jurisdiction, span.end) for span in spans] == [
        ("MT", datetime(2027, 6, 30, 22, tzinfo=UTC))
    ]
    seen, before = [], None
    for size in (3, 3, 1):
        page = page_under(spans, before=before, limit=3)
        assert len(page.rounds) == size
        seen += [(one.opened_at, one.id) for one in page.rounds]
        before = page.older
    assert before is None
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 7


def test_play_under_a_report_is_summed_by_game_and_currency(now: datetime) -> None:
    provider = make_provider()
    certificate = make_cover(make_game(provider), expires_on=date(2026, 11, 21))
    euro, krona = make_player(), make_player(currency="SEK")
    for player in (euro, krona):
        fund(player, 100_000, now)
    lapse = datetime(2026, 11, 21, 23, tzinfo=UTC)
    bet(provider, euro, "first", lapse - DAY)
    bet(provider, euro, "last", lapse - timedelta(microseconds=1), bet_minor=500, win_minor=0)
    bet(provider, euro, "too late", lapse)
    bet(provider, krona, "in krona", lapse - DAY)
    bet(
        provider,
        euro,
        "back",
        lapse - DAY,
        round_ref="first",
        round_type="rollback",
        reference_event_id="first",
    )
    said = [
        (one.currency, one.rounds, one.rolled_back, one.players, one.stake_minor, one.win_minor)
        for one in sums_under(spans_under(certificate.pk))
    ]
    assert said == [("EUR", 2, 1, 1, 500, 0), ("SEK", 1, 0, 1, 200, 350)]


def test_a_report_of_no_game_proves_no_round(now: datetime) -> None:
    certificate = make_cover(make_game(make_provider()))
    assert spans_under(certificate.pk, game_code="aurora-reef") == spans_under(certificate.pk)
    assert spans_under(certificate.pk, game_code="another") == []
    assert spans_under(0) == []
    Certificate.objects.filter(pk=certificate.pk).update(kind="rng")
    assert spans_under(certificate.pk) == []
    assert (sums_under([]), page_under([]).rounds) == ([], [])


def test_the_page_leads_from_the_report_to_each_round(now: datetime) -> None:
    provider, player = make_provider(), make_player()
    certificate = make_cover(make_game(provider))
    fund(player, 100_000, now)
    for number in range(53):
        bet(provider, player, f"e-{number:02}", now - number * timedelta(minutes=1))
    view = ("compliance.view_certifiedplay", "providers.view_certificate", "rounds.view_round")
    client = Client()
    client.force_login(
        make_officer("olga", permissions=view),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    own = reverse("admin:providers_certificate_change", args=[certificate.pk])
    by_id = f"{reverse(PAGE)}?certificate={certificate.pk}"
    assert by_id in client.get(own).content.decode()
    first = client.get(by_id).content.decode()
    newest = Round.objects.get(round_ref="e-00")
    assert reverse("admin:rounds_round_change", args=[newest.pk]) in first
    assert (">e-49<" in first, ">e-50<" in first) == (True, False)
    assert "53" in first
    assert "EUR" in first
    fiftieth = RoundEvent.objects.get(event_id="e-49")
    before = f"{fiftieth.occurred_at.isoformat()},{fiftieth.pk}"
    asked: dict[str, str] = {"certificate": str(certificate.pk), "before": before}
    older = client.get(reverse(PAGE), asked).content.decode()
    assert (">e-49<" in older, ">e-50<" in older, ">e-52<" in older) == (False, True, True)
    by_name = client.get(reverse(PAGE), {"report": str(certificate)}).content.decode()
    assert ">e-00<" in by_name
    assert "No report is called so" in client.get(reverse(PAGE), {"report": "x"}).content.decode()
    for nonsense in ({"certificate": "9" * 30}, {"certificate": "x"}, {"certificate": "0"}, {}):
        assert client.get(reverse(PAGE), nonsense).status_code == 200
    for before in ("2026-13-01,1", "2026-11-01,1", "x", "2026-11-01T00:00Z,-1"):
        asked = {"certificate": str(certificate.pk), "before": before}
        assert ">e-00<" in client.get(reverse(PAGE), asked).content.decode()


def test_the_page_needs_its_permission() -> None:
    client = Client()
    client.force_login(
        make_user(permissions=("providers.view_certificate",)),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    assert client.get(reverse(PAGE)).status_code == 403


def test_the_command_says_the_sums_and_prints_every_round(
    now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    provider, player = make_provider(), make_player()
    certificate = make_cover(make_game(provider))
    fund(player, 100_000, now)
    for number in range(3):
        bet(provider, player, f"e-{number}", now)
    call_command("certified_rounds", str(certificate), "--json")
    said = json.loads(capsys.readouterr().out)
    assert said["report"] == str(certificate)
    assert [(one["rounds"], one["stake_minor"]) for one in said["sums"]] == [(3, 600)]
    call_command("certified_rounds", certificate.report_number, "--rounds")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(line["round_ref"] for line in lines) == ["e-0", "e-1", "e-2"]
    call_command("certified_rounds", certificate.report_number)
    assert "3 rounds of 1 players, 6.00 EUR staked, 10.50 EUR won" in capsys.readouterr().out
    call_command("certified_rounds", certificate.report_number, "--game", "another")
    assert "No round was played under it." in capsys.readouterr().out
    with pytest.raises(CommandError):
        call_command("certified_rounds", "NONE-1")


def test_what_nothing_ends_goes_on_for_good(now: datetime) -> None:
    certificate = make_cover(make_game(make_provider()))
    Certificate.objects.filter(pk=certificate.pk).update(
        expires_on=None, review_due_on=date(2027, 1, 1)
    )
    assert [span.end for span in spans_under(certificate.pk)] == [FOR_GOOD]


def test_the_sums_read_the_index_on_the_time_of_opening() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE indexname = 'rounds_round_opened_span'"
        )
        assert "(opened_at)" in cursor.fetchone()[0]
