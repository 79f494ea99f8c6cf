"""A provider that is switched off is pulled and reconciled until it has settled all it took."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.providers.models import Provider
from apps.reconciliation import selectors, services
from apps.reconciliation.enums import PullState
from apps.reconciliation.models import PullCursor, ReconciliationRun
from apps.reports.selectors import latest_day, net_position
from apps.rounds.enums import RoundState
from apps.rounds.models import Round
from tests.factories import make_game, make_player, make_provider
from tests.reconciliation.booking import make_event

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 19, 9, tzinfo=UTC)
PLAYED = NOW - timedelta(days=1)
DAY = PLAYED.date()


@pytest.fixture(autouse=True)
def aurora() -> Provider:
    provider = make_provider("aurora")
    provider.is_active = False
    provider.reporting_timezone = "UTC"
    provider.export_url, provider.export_token = "https://a.example/export", "token"
    provider.save()
    return provider


def _pulled(provider: Provider, days_before: int) -> None:
    PullCursor.objects.create(
        provider=provider,
        day=DAY - timedelta(days=days_before),
        state=PullState.COMPLETE,
        started_at=NOW,
        moved_at=NOW,
    )


def test_a_day_on_which_it_played_is_reconciled_and_shown() -> None:
    make_event("aurora", "e-1", occurred_at=PLAYED)
    assert services.reconcile_due(now=NOW) == {f"aurora:{DAY}": "no_statement"}
    assert ReconciliationRun.objects.get().is_alert
    assert latest_day() == DAY
    assert [row.stake_minor for row in net_position(DAY)] == [200]


def test_a_day_without_play_after_it_settled_all_is_not_asked_for(aurora: Provider) -> None:
    make_event("aurora", "e-1", occurred_at=PLAYED - timedelta(days=1))
    _pulled(aurora, days_before=0)
    assert services.reconcile_due(now=NOW) == {}
    assert services.providers_to_pull(since=None, now=NOW) == []


def test_its_log_is_pulled_up_to_the_day_after_its_last_play(aurora: Provider) -> None:
    make_event("aurora", "e-1", occurred_at=PLAYED - timedelta(days=3))
    _pulled(aurora, days_before=3)
    assert services.providers_to_pull(since=None, now=NOW) == ["aurora"]
    _pulled(aurora, days_before=2)
    assert services.providers_to_pull(since=None, now=NOW) == []
    assert services.providers_to_pull(since=DAY - timedelta(days=3), now=NOW) == ["aurora"]


@pytest.mark.parametrize("status", ["rejected", "parked"])
def test_what_it_sent_and_we_did_not_take_may_be_in_its_books(
    aurora: Provider, status: str
) -> None:
    make_event("aurora", "e-1", occurred_at=PLAYED, status=status, money_state="none")
    _pulled(aurora, days_before=0)
    assert services.providers_to_pull(since=None, now=NOW) == ["aurora"]
    assert services.reconcile_due(now=NOW) == {f"aurora:{DAY}": "no_statement"}


def test_a_time_that_can_not_be_true_is_no_play(aurora: Provider) -> None:
    wild = PLAYED + timedelta(days=9_000)
    make_event("aurora", "e-1", occurred_at=wild, status="parked", money_state="none")
    assert not selectors.is_settling(aurora, DAY)


def test_an_open_round_keeps_it_in_both(aurora: Provider) -> None:
    _pulled(aurora, days_before=0)
    assert not selectors.is_settling(aurora, DAY)
    Round.objects.create(
        provider=aurora,
        round_ref="r-1",
        player=make_player("p-1"),
        game=make_game(aurora),
        currency="EUR",
        state=RoundState.OPEN,
        opened_at=PLAYED - timedelta(days=9),
    )
    assert services.providers_to_pull(since=None, now=NOW) == ["aurora"]
    assert services.reconcile_due(now=NOW) == {f"aurora:{DAY}": "no_statement"}
