"""A round is where its player was when it was played, wherever the player has gone since."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.compliance.selectors.certified import rounds_under, spans_under
from apps.players.contracts import PlayerUpdate
from apps.players.models import Move, Player
from apps.players.selectors import jurisdiction_at
from apps.players.services import save_player
from apps.rounds.models import Round, RoundEvent
from apps.rounds.proving import proof_of_event, proof_of_round
from apps.rounds.span_play import (
    PlaySpan,
    SpanRounds,
    play_in_spans,
    played_places,
    rounds_played_in,
    span_rounds_of,
)
from tests.factories import make_cover, make_game, make_player, make_provider
from tests.rounds_makers import fund, play, round_event

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def move(player: Player, place: str, at: datetime) -> None:
    update = PlayerUpdate(player.player_ref, player.currency, place, "verified")
    save_player(update, reason="Moved.", now=at)


def test_each_round_is_proven_where_its_player_was_when_it_opened(now: datetime) -> None:
    provider = make_provider()
    game = make_game(provider, offered_in=("MT", "SE"))
    report = make_cover(game, "MT")
    player = make_player(jurisdiction="MT")
    fund(player, 100_000, now)
    moved = now - HOUR
    for event_id, at in (
        ("before", moved - timedelta(microseconds=1)),
        ("at the move", moved),
        ("after", now),
    ):
        play(provider, [round_event(player, event_id, at)], at)
    move(player, "SE", moved)
    proofs = {one.round_ref: proof_of_round(one) for one in Round.objects.all()}
    said = {ref: (one.jurisdiction, one.cover.allowed) for ref, one in proofs.items() if one}
    assert said == {"before": ("MT", True), "at the move": ("SE", False), "after": ("SE", False)}
    for event in RoundEvent.objects.all():
        assert proof_of_event(event) == proofs[event.event_id]
    listed = [(one.round_ref, one.jurisdiction) for one in rounds_under(spans_under(report.pk))]
    assert listed == [("before", "MT")]


def test_what_was_played_without_cover_is_counted_where_it_was_played(now: datetime) -> None:
    provider = make_provider()
    game = make_game(provider, offered_in=("MT", "SE"))
    player = make_player(jurisdiction="MT")
    fund(player, 100_000, now)
    for number in range(3):
        at = now - number * HOUR
        play(provider, [round_event(player, f"e-{number}", at)], at)
    move(player, "SE", now - HOUR)
    day = (now - timedelta(hours=12), now + HOUR)
    assert played_places([provider.pk], *day) == [
        (provider.pk, game.pk, "MT"),
        (provider.pk, game.pk, "SE"),
    ]
    for place, count in (("MT", 1), ("SE", 2)):
        (found,) = play_in_spans([PlaySpan(provider.pk, game.pk, place, *day)])
        assert found.rounds == count
        asked = SpanRounds(provider.pk, game.pk, place, "", only_settled=False, spans=(day,))
        assert len(rounds_played_in(asked)) == count


def test_a_span_in_a_zone_that_the_database_does_not_know_is_read_in_utc(now: datetime) -> None:
    provider = make_provider()
    game = make_game(provider)
    player = make_player()
    fund(player, 100_000, now)
    play(provider, [round_event(player, "e-1", now)], now)
    ahead, behind = (timezone(sign * timedelta(hours=23, minutes=59)) for sign in (1, -1))
    start, end = (now - HOUR).astimezone(ahead), (now + HOUR).astimezone(behind)
    text = f"{provider.pk}|{game.pk}|MT||stands|{start.isoformat()}~{end.isoformat()}"
    asked = span_rounds_of(text)
    assert asked is not None
    assert asked.spans == ((now - HOUR, now + HOUR),)
    assert asked.text() == text.replace(start.isoformat(), (now - HOUR).isoformat()).replace(
        end.isoformat(), (now + HOUR).isoformat()
    )
    assert [Round.objects.get(pk=pk).round_ref for pk in rounds_played_in(asked)] == ["e-1"]


@pytest.mark.parametrize(
    "span",
    [
        "0001-01-01T00:00:00+01:00~2026-01-01T00:00:00+00:00",
        "2026-01-01T00:00:00+00:00~9999-12-31T23:59:59-01:00",
        "2026-01-01T00:00:00~2026-01-02T00:00:00+00:00",
    ],
)
def test_a_span_without_a_zone_or_beyond_the_calendar_is_no_span(span: str) -> None:
    assert span_rounds_of(f"1|1|MT||stands|{span}") is None


def test_real_play_stays_real_for_a_player_who_is_at_the_rehearsals_today(now: datetime) -> None:
    provider = make_provider()
    game = make_game(provider)
    player = make_player(jurisdiction="MT")
    fund(player, 100_000, now)
    play(provider, [round_event(player, "real", now)], now)
    later = now + HOUR
    # No service moves anybody there; rows from before that was refused may be on file.
    Move.objects.create(
        player=player, left="MT", entered="ZZ", moved_at=later, raises_held_until=later
    )
    Player.objects.update(jurisdiction="ZZ")
    play(provider, [round_event(player, "rehearsed", later)], later)
    day = (now - HOUR, later + HOUR)
    assert played_places([provider.pk], *day) == [(provider.pk, game.pk, "MT")]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    places=st.lists(st.sampled_from(["MT", "SE", "GB"]), min_size=1, max_size=6),
    gaps=st.lists(st.integers(0, 3), min_size=6, max_size=6),
    asked=st.integers(-1, 12),
)
def test_the_place_at_a_moment_is_what_a_fold_over_the_moves_says(
    places: list[str], gaps: list[int], asked: int
) -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    player = make_player(jurisdiction=places[0])
    expected, at = places[0], start
    for place, gap in zip(places[1:], gaps, strict=False):
        at += gap * HOUR
        if place != player.jurisdiction:
            move(player, place, at)
            player.refresh_from_db()
        if at <= start + asked * HOUR:
            expected = place
    moment = start + asked * HOUR
    assert jurisdiction_at(player.pk, moment) == expected
