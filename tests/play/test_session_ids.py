"""What a provider's session id answers, for a whole batch and whatever is sent as one."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.play import services
from apps.play.contracts import OpenedSession, SessionFact
from apps.play.enums import SessionEnd
from apps.play.selectors import sessions_by_public_id
from tests.factories import make_cover, make_game, make_player, make_provider

pytestmark = pytest.mark.django_db


@pytest.fixture
def opened(now: datetime) -> OpenedSession:
    make_cover(make_game(make_provider()))
    make_player("p-1001")
    return _open(now)


def _open(now: datetime) -> OpenedSession:
    return services.open_session(
        player_ref="p-1001", provider_code="aurora", game_code="aurora-reef", now=now
    )


def _facts(ids: list[str], now: datetime) -> dict[str, SessionFact]:
    with connection.cursor() as cursor:
        return sessions_by_public_id(cursor, ids, now)


def test_an_id_answers_with_player_game_and_currency(opened: OpenedSession, now: datetime) -> None:
    fact = _facts([opened.public_id], now)[opened.public_id]
    assert (fact.session_id, fact.player_ref) == (opened.session_id, "p-1001")
    assert (fact.game_code, fact.currency, fact.is_live) == ("aurora-reef", "EUR", True)


def test_a_session_takes_stakes_until_its_end_and_is_known_after_it(
    opened: OpenedSession, now: datetime
) -> None:
    last = opened.stakes_until - timedelta(microseconds=1)
    assert _facts([opened.public_id], last)[opened.public_id].is_live
    assert not _facts([opened.public_id], opened.stakes_until)[opened.public_id].is_live


def test_a_session_is_paused_while_a_reality_check_is_overdue_and_live_all_the_while(
    opened: OpenedSession, now: datetime
) -> None:
    by = opened.reality_check.acknowledge_by
    assert by is not None
    in_time, overdue = (
        _facts([opened.public_id], at)[opened.public_id]
        for at in (by - timedelta(microseconds=1), by)
    )
    assert [(each.is_live, each.is_paused) for each in (in_time, overdue)] == [
        (True, False),
        (True, True),
    ]


def test_an_ended_session_is_known_but_not_live(opened: OpenedSession, now: datetime) -> None:
    other = _open(now)
    services.end_session(
        session_id=opened.session_id, code=SessionEnd.LOGOUT, reason="Logged out.", now=now
    )
    facts = _facts([opened.public_id, other.public_id], now)
    assert [facts[each.public_id].is_live for each in (opened, other)] == [False, True]


def test_a_batch_costs_one_statement_and_rubbish_none(opened: OpenedSession, now: datetime) -> None:
    ids = [opened.public_id, *(_open(now).public_id for _ in range(4)), str(uuid4()), "rubbish"]
    with CaptureQueriesContext(connection) as queries:
        assert len(_facts([*ids, *ids], now)) == 5
    assert len(queries) == 1
    with CaptureQueriesContext(connection) as queries:
        assert _facts(["", "\x00", "x" * 1_000_000, "' OR 1=1 --", "٣" * 36], now) == {}
    assert len(queries) == 0


def test_an_id_has_one_spelling(opened: OpenedSession, now: datetime) -> None:
    spelled = [
        opened.public_id.upper(),
        opened.public_id.replace("-", ""),
        f"{{{opened.public_id}}}",
        f"urn:uuid:{opened.public_id}",
        f"{opened.public_id}\n",
        f" {opened.public_id}",
    ]
    assert _facts(spelled, now) == {}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(ids=st.lists(st.text(max_size=60), max_size=20))
def test_any_text_may_be_asked_for(opened: OpenedSession, now: datetime, ids: list[str]) -> None:
    assert _facts([*ids, opened.public_id], now).keys() == {opened.public_id}
