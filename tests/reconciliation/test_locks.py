"""One worker per day and one puller per provider, also across processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import psycopg
import pytest
from django.db import connection

from apps.reconciliation import errors, locks, services
from apps.reconciliation.models import PullCursor, ReconciliationRun
from tests.factories import make_provider
from tests.reconciliation.files import DAY

pytestmark = pytest.mark.django_db


@contextmanager
def held_elsewhere(name: str) -> Iterator[None]:
    """Hold a lock in a session of its own, as another process does."""
    settings = connection.settings_dict
    with psycopg.connect(
        dbname=settings["NAME"],
        user=settings["USER"],
        password=settings["PASSWORD"],
        host=settings["HOST"],
        port=settings["PORT"] or None,
    ) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [locks._LOCK_SPACE, locks._number(name)])
        yield


def test_a_day_that_another_process_reconciles_is_left_to_it(now: datetime) -> None:
    provider = make_provider("aurora")

    with (
        held_elsewhere(f"reconcile:{provider.pk}:{DAY}"),
        pytest.raises(errors.ReconciliationBusyError),
    ):
        services.reconcile(provider_code="aurora", day=DAY, acting_user=None, now=now)
    assert ReconciliationRun.objects.count() == 0

    services.reconcile(provider_code="aurora", day=DAY, acting_user=None, now=now)
    assert ReconciliationRun.objects.count() == 1


def test_a_round_log_that_another_process_pulls_is_left_to_it(now: datetime) -> None:
    provider = make_provider("aurora")
    provider.export_url = "http://127.0.0.1:9/export"
    provider.export_token = "token"
    provider.save()

    with held_elsewhere(f"pull:{provider.pk}"), pytest.raises(errors.PullBusyError):
        services.pull_day(provider_code="aurora", day=DAY, now=now)

    assert PullCursor.objects.count() == 0


def test_a_lock_ends_with_its_block(now: datetime) -> None:
    with locks.try_lock("thing") as first:
        assert first
    with held_elsewhere("thing"), locks.try_lock("thing") as second:
        assert not second
