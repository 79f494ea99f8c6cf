"""A process that its database doesn't fit says so, and says what waits."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.test import Client

from apps.core.management.commands.up import Command
from apps.core.schema import SchemaWatch, pending_migrations
from apps.staff.enums import Role
from config import health

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_schema", SchemaWatch())


def forget(app: str, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = %s AND name = %s", [app, name])
        assert cursor.rowcount == 1


def test_a_migrated_database_lacks_nothing_and_one_not_migrated_all() -> None:
    assert pending_migrations() == []
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_migrations RENAME TO elsewhere")
    found = pending_migrations()
    assert {"players.0001_initial", "auth.0001_initial", "staff.0001_initial"} <= set(found)


def test_readiness_names_the_migrations_that_wait(client: Client) -> None:
    forget("players", "0001_initial")
    forget("wallet", "0001_initial")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unavailable",
        "failing": ["migrations"],
        "pending": ["players.0001_initial", "wallet.0001_initial"],
    }
    assert client.get("/healthz").status_code == 200


def test_what_fits_is_asked_again_after_a_minute_and_what_waits_each_time(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Callable[[int], Any]
) -> None:
    watch, clock = SchemaWatch(), 1_000.0
    monkeypatch.setattr("apps.core.schema.time.monotonic", lambda: clock)
    assert watch.pending() == []
    forget("players", "0001_initial")
    with django_assert_num_queries(0):
        assert watch.pending() == []
    clock = 1_060.0
    for _ in range(2):
        with django_assert_num_queries(2):
            assert watch.pending() == ["players.0001_initial"]


def test_up_does_not_start_on_somebody_elses_database_that_waits(settings: Any) -> None:
    settings.PITBOSS_EMBEDDED_POSTGRES = False
    forget("players", "0001_initial")
    with pytest.raises(CommandError) as refusal:
        Command().prepare()
    assert str(refusal.value) == (
        "The database lacks 1 migration, players.0001_initial first. Type: python manage.py migrate"
    )


def test_up_gives_the_roles_of_its_own_database_what_this_version_gives_them() -> None:
    call_command("seed_roles", verbosity=0)
    officers = Group.objects.get(name=Role.COMPLIANCE_OFFICER)
    held = set(officers.permissions.values_list("codename", flat=True))
    officers.permissions.remove(Permission.objects.get(codename="approve_trustedroot"))

    Command().prepare()

    assert set(officers.permissions.values_list("codename", flat=True)) == held


def test_up_names_a_migration_that_fails_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.core.management.commands.up.pending_migrations", lambda: ["a.0001"])

    def fail(*_: object, **__: object) -> None:
        message = "check constraint is violated by some row"
        raise IntegrityError(message)

    monkeypatch.setattr("apps.core.management.commands.up.call_command", fail)
    with pytest.raises(CommandError) as refusal:
        Command().prepare()
    assert str(refusal.value) == (
        "The database could not be migrated: check constraint is violated by some row"
    )
