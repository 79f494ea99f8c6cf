"""A day that is over is counted again when its cover or its play turns out to be another."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from apps.compliance import tasks
from apps.compliance.models import UncertifiedPlay, UncoveredDay
from apps.compliance.services.uncovered import (
    MOST_DAYS_BACK,
    keep_uncertified_play,
    recount_games,
)
from apps.core.models import OutboxMessage
from apps.players.models import Player
from apps.providers.enums import Channel
from apps.providers.models import Certificate, Game, Provider
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.services import scope
from apps.providers.services.builds import (
    Editing,
    NewBuild,
    NewDeployment,
    NewVariant,
    add_build,
    add_variant,
    deploy,
    end_deployment,
)
from apps.providers.services.certificates import withdraw_certificate
from apps.providers.services.integrity import check_documents
from apps.providers.services.past_cover import tell_of_signature
from tests.factories import make_cover, make_game, make_player, make_provider
from tests.rounds_makers import fund, play, round_event

pytestmark = pytest.mark.django_db(transaction=True)

SIX_DAYS_BACK = date(2026, 11, 16)


@pytest.fixture
def game(now: datetime) -> Game:
    return make_game(make_provider())


@pytest.fixture
def player(game: Game, now: datetime) -> Player:
    player = make_player("p-1001")
    fund(player, 100_000, now)
    return player


def _at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def _bet(player: Player, event_id: str, at: datetime, *, now: datetime | None = None) -> None:
    play(Provider.objects.get(), [round_event(player, event_id, at)], now or at)


def _messages(task: Any) -> list[OutboxMessage]:
    return list(OutboxMessage.objects.filter(task=task.name, done_at=None).order_by("pk"))


def _run(task: Any) -> int:
    waiting = _messages(task)
    for message in waiting:
        task(outbox_id=message.pk, **message.payload)
    assert _messages(task) == []
    return len(waiting)


def _sums() -> list[tuple[str, int, int, int]]:
    found = UncertifiedPlay.objects.order_by("uncovered__day", "currency")
    return [
        (one.uncovered.day.isoformat(), one.rounds, one.stake_minor, one.win_minor) for one in found
    ]


@pytest.fixture(autouse=True)
def _clock(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.compliance.tasks.timezone.now", lambda: now)


def test_a_withdrawn_report_makes_all_that_was_played_under_it_count(
    game: Game, player: Player, now: datetime
) -> None:
    report = make_cover(game)
    _bet(player, "old", _at(SIX_DAYS_BACK))
    _bet(player, "same-day", _at(SIX_DAYS_BACK) + timedelta(hours=1))
    _bet(player, "new", now - timedelta(minutes=5))
    keep_uncertified_play(now=now)
    assert _sums() == []
    withdraw_certificate(
        certificate_id=report.pk, acting_user=None, reason="Entered twice.", now=now
    )
    keep_uncertified_play(now=now)
    assert _sums() == [("2026-11-22", 1, 200, 350)]
    assert _run(tasks.recount_games) == 1
    played = [("2026-11-16", 2, 400, 700), ("2026-11-22", 1, 200, 350)]
    assert _sums() == played
    first = UncoveredDay.objects.order_by("day")[0]
    assert (first.day, first.minutes) == (date(2026, 9, 21), 1440)
    told = OutboxMessage.objects.filter(topic="compliance.uncertified_play").count()
    recount_games([game.pk], since=date(2026, 1, 1), is_gain=False, now=now)
    assert (_sums(), told) == (played, 2)
    assert OutboxMessage.objects.filter(topic="compliance.uncertified_play").count() == told


def test_a_recall_counts_from_its_own_day(game: Game, player: Player, now: datetime) -> None:
    report = make_cover(game)
    _bet(player, "before", _at(date(2026, 11, 15)))
    _bet(player, "after", _at(SIX_DAYS_BACK))
    editing = Editing(None, "The lab took it back.", now)
    scope.recall_certificate(certificate_id=report.pk, on=SIX_DAYS_BACK, editing=editing)
    _run(tasks.recount_games)
    assert _sums() == [("2026-11-16", 1, 200, 350)]
    # Malta's 16 November begins at 23:00 of the 15th.
    days = UncoveredDay.objects.order_by("day").values_list("day", "minutes")
    assert list(days)[:2] == [(date(2026, 11, 15), 60), (date(2026, 11, 16), 1440)]


def test_a_report_of_many_games_is_counted_again_in_parts(game: Game, now: datetime) -> None:
    others = [make_game(game.provider, f"aurora-{number:02}") for number in range(10)]
    report = make_cover(game)
    for other in others:
        report.games.create(game_code=other.game_code)
    withdraw_certificate(certificate_id=report.pk, acting_user=None, reason="A slip.", now=now)
    parts = [len(message.payload["game_ids"]) for message in _messages(tasks.recount_games)]
    assert parts == [10, 1]


def test_a_recall_that_lies_ahead_moves_no_day_that_is_over(game: Game, now: datetime) -> None:
    report = make_cover(game)
    editing = Editing(None, "The lab takes it back.", now)
    scope.recall_certificate(certificate_id=report.pk, on=date(2026, 12, 1), editing=editing)
    assert _messages(tasks.recount_games) == []


def test_a_report_that_is_registered_late_takes_old_minutes_away(
    game: Game, player: Player, now: datetime
) -> None:
    _bet(player, "old", _at(SIX_DAYS_BACK))
    keep_uncertified_play(now=now, days=9)
    assert _sums() == [("2026-11-16", 1, 200, 350)]
    make_cover(game)
    recount_games([game.pk], since=date(2026, 1, 1), is_gain=True, now=now)
    assert _sums() == [("2026-11-16", 0, 0, 0)]
    assert set(UncoveredDay.objects.values_list("minutes", flat=True)) == {0}


def test_a_backdated_deployment_counts_from_its_start(
    game: Game, player: Player, now: datetime
) -> None:
    report = make_cover(game)
    editing = Editing(None, "The supplier told us today.", now)
    tested = add_build(NewBuild(game.pk, "1.0", Channel.ANY), editing)
    other = add_build(NewBuild(game.pk, "2.0", Channel.ANY), editing)
    scope.name_build(report.pk, scope.NamedBuild(game.game_code, "1.0"), editing)
    deploy(NewDeployment("MT", tested.pk, None, _at(date(2026, 10, 1))), editing)
    _bet(player, "before", _at(SIX_DAYS_BACK) - timedelta(minutes=1))
    _bet(player, "after", _at(SIX_DAYS_BACK))
    _run(tasks.recount_games)
    assert _sums() == []
    late = deploy(NewDeployment("MT", other.pk, None, _at(SIX_DAYS_BACK)), editing)
    _run(tasks.recount_games)
    assert _sums() == [("2026-11-16", 1, 200, 350)]
    end_deployment(deployment_id=late.pk, ends_at=_at(date(2026, 11, 18)), editing=editing)
    [message] = _messages(tasks.recount_games)
    assert message.payload == {"game_ids": [game.pk], "since": "2026-11-18", "is_gain": False}


def test_what_a_report_names_or_replaces_later_is_followed_into_the_past(
    game: Game, player: Player, now: datetime
) -> None:
    other = make_game(game.provider, "aurora-reef-2")
    report, another = make_cover(game), make_cover(other, "IM")
    Certificate.objects.update(effective_on=date(2026, 11, 15))
    editing = Editing(None, "As the document says.", now)
    ran = add_build(NewBuild(game.pk, "1.0", Channel.ANY), editing)
    high = add_variant(NewVariant(game.pk, "V96", Decimal(96), "PAR sheet"), editing)
    deploy(NewDeployment("MT", ran.pk, high.pk, _at(date(2026, 11, 15))), editing)
    _run(tasks.recount_games)
    _bet(player, "old", _at(SIX_DAYS_BACK))
    named: dict[str, Any] = {"since": "2026-11-15", "is_gain": False}

    def told() -> list[dict[str, Any]]:
        return [message.payload for message in _messages(tasks.recount_games)]

    scope.name_build(report.pk, scope.NamedBuild(game.game_code, "2.0"), editing)
    assert told() == [{**named, "game_ids": [game.pk]}]
    _run(tasks.recount_games)
    assert _sums() == [("2026-11-16", 1, 200, 350)]
    scope.name_build(report.pk, scope.NamedBuild(game.game_code, "2.0"), editing)
    assert told() == []
    scope.name_build(report.pk, scope.NamedBuild(game.game_code, "1.0"), editing)
    _run(tasks.recount_games)
    assert _sums() == [("2026-11-16", 0, 0, 0)]
    low = scope.NamedVariant(game.game_code, "V94", Decimal(94))
    scope.name_variant(report.pk, low, editing)
    assert told() == [{**named, "game_ids": [game.pk]}]
    _run(tasks.recount_games)
    assert _sums() == [("2026-11-16", 1, 200, 350)]

    both = {**named, "game_ids": [game.pk, other.pk]}
    scope.set_terms(another.pk, scope.ReportTerms("", "", report.pk), editing)
    scope.set_terms(another.pk, scope.ReportTerms("Mara Holm", "", report.pk), editing)
    assert told() == [both]
    scope.set_terms(another.pk, scope.ReportTerms("", "", None), editing)
    assert told() == [both, both]


def test_a_round_that_comes_five_days_late_is_added_to_its_day(
    game: Game, player: Player, now: datetime
) -> None:
    make_cover(game, expires_on=date(2026, 11, 10))
    _bet(player, "new", now - timedelta(minutes=5))
    keep_uncertified_play(now=now)
    assert _messages(tasks.recount_play) == []
    day = date(2026, 11, 17)
    _bet(player, "too-late", _at(day), now=now)
    assert _messages(tasks.recount_play) == []
    Provider.objects.update(past_seconds=6 * 24 * 3600)
    _bet(player, "late", _at(day), now=now)
    _bet(player, "later", _at(day) + timedelta(hours=1), now=now)
    keep_uncertified_play(now=now)
    assert _sums() == [("2026-11-22", 1, 200, 350)]
    first, last = _messages(tasks.recount_play)
    tasks.recount_play(outbox_id=first.pk, **first.payload)
    assert _sums() == [("2026-11-22", 1, 200, 350)]
    tasks.recount_play(outbox_id=last.pk, **last.payload)
    played = [("2026-11-17", 2, 400, 700), ("2026-11-22", 1, 200, 350)]
    assert _sums() == played
    tasks.recount_play(outbox_id=last.pk, **last.payload)
    assert _sums() == played
    assert _messages(tasks.recount_play) == []


def test_a_rollback_of_old_play_counts_its_day_again(
    game: Game, player: Player, now: datetime
) -> None:
    at = _at(SIX_DAYS_BACK)
    play(Provider.objects.get(), [round_event(player, "bet", at, win_minor=0)], at)
    keep_uncertified_play(now=now, days=9)
    undo = round_event(
        player,
        "undo",
        now,
        round_type="rollback",
        reference_event_id="bet",
        bet_minor=0,
        win_minor=0,
    )
    play(Provider.objects.get(), [undo], now)
    assert [one.payload["day"] for one in _messages(tasks.recount_play)] == ["2026-11-16"]
    _run(tasks.recount_play)
    assert _sums() == [("2026-11-16", 0, 0, 0)]


def test_a_change_is_followed_no_further_back_than_said(
    game: Game, player: Player, now: datetime
) -> None:
    first = now.date() - timedelta(days=MOST_DAYS_BACK)
    _bet(player, "too-old", _at(first - timedelta(days=1)))
    _bet(player, "first", _at(first))
    recount_games([game.pk], since=date.min, is_gain=False, now=now)
    assert _sums() == [(first.isoformat(), 1, 200, 350)]


def _accredit(report: Certificate, start: date, end: date, now: datetime) -> None:
    editing = Editing(None, "From the accreditation body's list.", now)
    scope.accredit_lab(report.lab_id, scope.Term("NATA", f"{start}", start, end), editing)


def test_an_accreditation_that_had_ended_uncovers_what_was_played_and_the_next_term_covers_it(
    game: Game, player: Player, now: datetime
) -> None:
    report = make_cover(game)
    _bet(player, "old", _at(SIX_DAYS_BACK))
    keep_uncertified_play(now=now)
    _accredit(report, date(2020, 1, 1), date(2025, 6, 30), now)
    assert [message.payload["is_gain"] for message in _messages(tasks.recount_games)] == [False]
    assert _run(tasks.recount_games) == 1
    assert _sums()[0] == ("2026-11-16", 1, 200, 350)
    # A term that leaves every report as it was moves nothing.
    _accredit(report, date(2018, 1, 1), date(2019, 12, 31), now)
    assert _messages(tasks.recount_games) == []
    _accredit(report, date(2025, 7, 1), date(2027, 6, 30), now)
    assert [message.payload["is_gain"] for message in _messages(tasks.recount_games)] == [True]
    _run(tasks.recount_games)
    assert _sums()[0] == ("2026-11-16", 0, 0, 0)


@pytest.mark.parametrize(
    ("before", "after", "gains"),
    [
        ("none", "invalid", [False]),
        ("invalid", "valid", [True]),
        ("untrusted", "valid", []),
        ("invalid", "invalid", []),
    ],
)
def test_a_verdict_on_a_signature_counts_again_only_where_it_moves_cover(
    game: Game, now: datetime, before: str, after: str, gains: list[bool]
) -> None:
    report = make_cover(game)
    with transaction.atomic():
        tell_of_signature(report.document_id, before, after, now=now)
    messages = _messages(tasks.recount_games)
    assert [message.payload["is_gain"] for message in messages] == gains
    for message in messages:
        assert (message.payload["game_ids"], message.payload["since"]) == ([game.pk], "2026-01-01")


def test_a_document_that_is_found_altered_uncovers_what_was_played(
    game: Game, player: Player, now: datetime
) -> None:
    make_cover(game)
    _bet(player, "old", _at(SIX_DAYS_BACK))
    keep_uncertified_play(now=now)
    assert _sums() == []
    # Its file never was in the store.
    with PdfVetter() as vetter:
        check_documents(vetter=vetter, now=now)
    assert _run(tasks.recount_games) == 1
    assert _sums()[0] == ("2026-11-16", 1, 200, 350)
    with PdfVetter() as vetter:
        check_documents(vetter=vetter, now=now)
    assert _messages(tasks.recount_games) == []
