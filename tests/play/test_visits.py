"""A visit: play without a break of a quarter of an hour, whatever number of sessions it takes."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from apps.play import services
from apps.play.contracts import OpenedSession
from apps.play.enums import SessionEnd
from apps.play.selectors import sessions_by_public_id
from apps.play.visits import BREAK, playing_since, start_of_visit
from tests.factories import make_cover, make_game, make_player, make_provider
from tests.rounds_makers import fund, play, round_event

OPENED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def span(start: int, end: int) -> tuple[datetime, datetime]:
    """Return a session by the minutes it opened and ended before the one asked about."""
    return OPENED - start * MINUTE, OPENED - end * MINUTE


@pytest.mark.parametrize(
    ("spans", "minutes"),
    [
        ([], 0),
        ([span(60, 14)], 60),
        ([span(60, 15)], 0),
        ([span(60, 20), span(30, 10)], 60),
        ([span(200, 100), span(30, 10)], 30),
        ([span(90, 1), span(40, 35)], 90),
        ([span(90, 45), span(40, -5)], 90),
    ],
)
def test_a_visit_goes_back_to_the_first_session_without_a_break(
    spans: list[tuple[datetime, datetime]], minutes: int
) -> None:
    assert start_of_visit(spans, OPENED) == OPENED - minutes * MINUTE


SPANS = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 90)).map(
        lambda drawn: span(drawn[0], drawn[0] - drawn[1])
    ),
    max_size=8,
)


@given(spans=SPANS)
def test_a_visit_has_no_break_inside_and_one_before_it(
    spans: list[tuple[datetime, datetime]],
) -> None:
    since = start_of_visit(spans, OPENED)
    inside = [(start, end) for start, end in spans if start >= since]
    before = [end for start, end in spans if start < since]
    assert all(end + BREAK <= since for end in before)
    at = OPENED
    while at > since:
        reaching = [start for start, end in inside if start < at and end + BREAK > at]
        assert reaching, "a break inside the visit"
        at = min(reaching)


def _open(now: datetime) -> OpenedSession:
    return services.open_session(
        player_ref="p-1001", provider_code="aurora", game_code="aurora-reef", now=now
    )


@pytest.mark.django_db
def test_another_session_goes_on_with_the_visit_and_its_reality_check(now: datetime) -> None:
    make_cover(make_game(make_provider()))
    player = make_player("p-1001")
    first = _open(now)
    services.end_session(
        session_id=first.session_id,
        code=SessionEnd.LOGOUT,
        reason="Another game.",
        now=now + 40 * MINUTE,
    )
    second = _open(now + 54 * MINUTE)
    assert second.reality_check == first.reality_check
    start = now.replace(microsecond=0)
    assert playing_since(player.pk, start + 54 * MINUTE) == start
    # Left alone it ends with its last token, and a quarter of an hour later the visit is over.
    third = _open(now + (54 + 15 + 15) * MINUTE)
    assert third.reality_check.due_at == start + (84 + 60) * MINUTE


@pytest.mark.django_db
def test_a_session_played_by_its_id_without_new_tokens_goes_on_to_its_last_stake(
    now: datetime,
) -> None:
    provider = make_provider()
    make_cover(make_game(provider))
    player = make_player("p-1001")
    fund(player, 10_000, now)
    first = _open(now)
    start = now.replace(microsecond=0)
    for minute in (10, 25, 58):
        at = start + minute * MINUTE
        play(provider, [round_event(player, f"e-{minute}", at)], at)
    overdue = start + 66 * MINUTE
    second = _open(overdue)
    assert second.reality_check == first.reality_check
    with connection.cursor() as cursor:
        facts = sessions_by_public_id(cursor, [first.public_id, second.public_id], overdue)
    assert [fact.is_paused for fact in facts.values()] == [True, True]


@pytest.mark.django_db
def test_a_stake_counts_for_the_latest_session_at_its_provider(now: datetime) -> None:
    provider = make_provider()
    make_cover(make_game(provider))
    player = make_player("p-1001")
    fund(player, 10_000, now)
    _open(now)
    start = now.replace(microsecond=0)
    second = _open(start + 30 * MINUTE)
    assert second.reality_check.due_at == start + 90 * MINUTE
    at = start + 50 * MINUTE
    play(provider, [round_event(player, "e-1", at)], at)
    third = _open(start + 64 * MINUTE)
    assert third.reality_check == second.reality_check
    assert playing_since(player.pk, start + 90 * MINUTE) == start + 30 * MINUTE
