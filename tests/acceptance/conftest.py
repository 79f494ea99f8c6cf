"""One prepared database and one gateway process for all tests of this folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pgtrigger
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from apps.providers.adapters.registry import ADAPTERS
from apps.simulator.acceptance.bonus import put_rule_in_force
from apps.simulator.acceptance.kit import Kit
from apps.simulator.acceptance.setting_up import Prepared, make_acceptance_provider, prepare
from apps.simulator.capture.own_gateway import OwnGateway
from apps.simulator.dialects.registry import DIALECTS
from tests.addresses import database_url
from tests.factories import make_user

SPOKEN = [name for name, kind in DIALECTS.items() if kind.protocol in ADAPTERS]


@dataclass(slots=True)
class Stand:
    """The gateway's address, and one kit for each dialect, made when it is first asked for."""

    url: str
    prepared: dict[str, Prepared]
    kits: dict[str, Kit] = field(default_factory=dict)

    def kit(self, dialect: str) -> Kit:
        if dialect not in self.kits:
            self.kits[dialect] = Kit(self.prepared[dialect], url=self.url, may_stall=True)
        return self.kits[dialect]


@pytest.fixture(scope="package")
def db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Open the test database for the whole folder, and empty it afterwards.

    It takes the place of pytest-django's ``db``, by whose name the test database is made at all;
    that one would undo each test's writes, which the gateway's process could then never see.
    """
    with django_db_blocker.unblock():
        name = str(connection.settings_dict["NAME"])
        assert name.startswith("test_"), f"{name} is not a test database"
        yield
        with pgtrigger.ignore():
            call_command("flush", verbosity=0, interactive=False)
        connection.close()


@pytest.fixture(scope="package")
def stand(db: None) -> Iterator[Stand]:
    now = datetime.now(UTC)
    put_rule_in_force(
        author=make_user(), approver=make_user(permissions=("bonuses.approve_rule",)), now=now
    )
    prepared = {
        name: prepare(make_acceptance_provider(name, now=now), DIALECTS[name](), now=now)
        for name in SPOKEN
    }
    # The gateway starts last, so that it knows all of it from its first request on.
    with gateway() as url:
        stand = Stand(url, prepared)
        yield stand
        for kit in stand.kits.values():
            kit.close()


@contextmanager
def gateway() -> Iterator[str]:
    """Run a gateway process on the test database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", database_url())
        patch.setenv("PITBOSS_LOG_LEVEL", "WARNING")
        with OwnGateway(settings.BASE_DIR / "manage.py", is_replay_mode=False) as own:
            yield own.url
