"""The desk runs every few minutes: what it asks the database doesn't grow with what ends."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.compliance.models import Renewal
from apps.compliance.services.desk import advance_desk
from apps.providers.selectors.ends import RemainsOnDay, remains_of
from apps.providers.selectors.lapses import End, flagged_lapses
from tests.compliance.makers import make_duty, make_officer, run_desk
from tests.factories import make_cover, make_game, make_provider

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
FIRST = date(2026, 11, 1)


def make_ends(count: int) -> list[End]:
    """Make as many games, each with a report that ends on a day of its own, before and after."""
    provider = make_provider()
    ends = []
    for number in range(count):
        day = FIRST + timedelta(days=number)
        report = make_cover(make_game(provider, f"game-{number}"), expires_on=day)
        ends.append(End(report.pk, "expiry", day))
    return ends


def queries_of(act: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        act()
    return len(captured)


def test_many_days_are_judged_with_the_queries_of_one() -> None:
    ends = make_ends(40)
    few = queries_of(lambda: remains_of(ends[:1], NOW.date()))
    many = queries_of(lambda: remains_of(ends, NOW.date()))
    assert few == many <= 14
    assert all(remains.is_something for remains in remains_of(ends, NOW.date()).values())


def test_a_run_with_forty_ends_asks_as_often_as_one_with_one() -> None:
    make_duty(make_officer("olga"), make_officer("dan"))
    asked = []
    make_ends(40)
    run_desk(NOW)
    assert Renewal.objects.count() == len(flagged_lapses()) == 40
    asked.append(queries_of(lambda: advance_desk(now=NOW, on=NOW.date())))
    Renewal.objects.filter(pk__gt=Renewal.objects.earliest("pk").pk).update(
        state="wont_renew", closed_at=NOW, outcome="Not offered any more."
    )
    asked.append(queries_of(lambda: advance_desk(now=NOW, on=NOW.date())))
    assert asked[0] == asked[1] <= 43


def test_of_an_end_that_was_judged_nothing_is_asked_again() -> None:
    ends, judge = make_ends(2), RemainsOnDay(NOW.date())
    judge.of(ends)
    assert queries_of(lambda: judge.of(ends)) == 0
