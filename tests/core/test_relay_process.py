"""The relay as a process of its own, with the real database and broker."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection
from django.utils import timezone

from apps.core.models import OutboxMessage

ROOT = Path(__file__).resolve().parents[2]


def eventually(holds: Callable[[], bool], *, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def make_message() -> OutboxMessage:
    now = timezone.now() - timedelta(seconds=1)
    return OutboxMessage.objects.create(
        topic="t", task="core.unheard_of", payload={}, created_at=now, next_attempt_at=now
    )


def is_sent(message: OutboxMessage) -> bool:
    message.refresh_from_db()
    return message.sent_at is not None


def database_url() -> str:
    settings = connection.settings_dict
    host = quote(str(settings["HOST"]), safe="")
    return (
        f"postgresql://{settings['USER']}:{settings.get('PASSWORD', '')}@:{settings['PORT']}"
        f"/{settings['NAME']}?host={host}"
    )


def start_relay(**environment: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "manage.py", "relay_outbox"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database_url(), **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


@pytest.fixture
def relay(transactional_db: None) -> Iterator["subprocess.Popen[bytes]"]:
    process = start_relay()
    yield process
    process.kill()
    process.communicate(timeout=30)


def test_the_relay_sends_survives_a_cut_connection_and_stops_on_sigterm(
    relay: "subprocess.Popen[bytes]",
) -> None:
    first = make_message()
    eventually(lambda: is_sent(first))

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND backend_type = 'client backend'"
        )
        assert cursor.fetchone()[0] >= 1
    second = make_message()
    eventually(lambda: is_sent(second))
    assert relay.poll() is None

    relay.send_signal(signal.SIGTERM)
    assert relay.wait(timeout=15) == 0


@pytest.mark.django_db(transaction=True)
def test_without_a_broker_messages_wait_and_cost_no_attempt() -> None:
    message = make_message()
    process = start_relay(REDIS_URL="redis://127.0.0.1:1/0")
    try:

        def was_refused() -> bool:
            message.refresh_from_db()
            return message.last_error != ""

        eventually(was_refused)
        assert (message.sent_at, message.attempts) == (None, 0)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.communicate(timeout=30)


@pytest.mark.django_db(transaction=True)
def test_a_relay_killed_at_any_moment_loses_nothing() -> None:
    messages = [make_message() for _ in range(50)]
    process = start_relay()
    try:
        eventually(lambda: is_sent(messages[0]))
    finally:
        process.kill()
        process.communicate(timeout=30)
    # Whatever was claimed and not sent comes due again; nothing is marked done by sending.
    assert OutboxMessage.objects.filter(done_at__isnull=True, parked_at__isnull=True).count() == 50
