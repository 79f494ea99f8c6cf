"""Two schedulers, or one that was started twice: every job runs again and repeats nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.apps import apps
from django.conf import settings

from apps.providers.models import Game
from apps.rounds.models import Round
from config.celery import app
from tests.factories import make_cover
from tests.gateway.builders import SLOT, Casino, open_casino

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mid_hour() -> Iterator[None]:
    """Let both runs look at one day and one hour, whatever time the machine has."""
    moment = datetime.now(UTC).replace(hour=11, minute=20)
    with time_machine.travel(moment):
        yield


@pytest.fixture
def casino(mid_hour: None, transactional_db: None) -> Casino:
    """Leave something to do for those jobs that find their work in tables."""
    casino = open_casino()
    casino.now = datetime.now(UTC) - timedelta(days=2)
    casino.send(casino.event("e-1"), casino.tentative("e-2", "r-2"))
    casino.now = datetime.now(UTC)
    ends_soon = casino.now.date() + timedelta(days=20)
    make_cover(Game.objects.get(game_code=SLOT), expires_on=ends_soon)
    return casino


def _rows() -> dict[str, int]:
    """Return how many rows each table of every model holds."""
    models = [model for model in apps.get_models() if model._meta.managed]
    return {model._meta.db_table: model._base_manager.count() for model in models}


def _run_every_job() -> None:
    for name in settings.CELERY_BEAT_SCHEDULE:
        app.tasks[name].apply(throw=True)


LOOKED_AT = {
    "reconciliation_reconciliationrun",
    "wallet_walletaudit",
    "core_auditentry",
    "core_outboxmessage",
}
"""A day that is reconciled or audited once more is on record as looked at once more."""


def test_every_scheduled_job_runs_again_and_repeats_no_effect(casino: Casino) -> None:
    app.loader.import_default_modules()
    before = _rows()
    _run_every_job()
    once = _rows()
    _run_every_job()

    twice = _rows()
    assert {table: n - once[table] for table, n in twice.items() if n > once[table]} == (
        dict.fromkeys(LOOKED_AT, 1)
    )
    # The first run had something to do.
    assert {table for table, count in once.items() if count > before[table]} >= {
        "wallet_ledgerseal",
        "providers_certificateflag",
        "compliance_renewal",
        "reconciliation_reconciliationrun",
    }
    assert Round.objects.get(round_ref="r-2").state == "stuck"
