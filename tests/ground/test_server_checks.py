"""Production asks its servers before it serves; a server that is unsafe is named."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from apps.core.embedded.paths import embedded_paths
from apps.core.embedded.valkey import ValkeyServer
from config.databases import application_role, database_settings
from config.server_checks import broker_problems, refuse_unsafe_servers
from tests.architecture.layers import REPOSITORY

SAFE = {"appendonly": "yes", "maxmemory-policy": "noeviction", "requirepass": "a-long-word"}


@contextmanager
def broker(folder: Path, **changes: str) -> Iterator[str]:
    """Run a Valkey of our own with these settings; yields its address with the password."""
    socket = folder / "v.sock"
    command = [str(ValkeyServer(embedded_paths(folder)).program), "--port", "0", "--save", ""]
    command += ["--dir", str(folder), "--unixsocket", str(socket)]
    for name, value in {**SAFE, **changes}.items():
        command += [f"--{name}", value]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait(socket)
        yield f"unix://:{SAFE['requirepass']}@{socket}"
    finally:
        process.kill()
        process.wait()


def _wait(socket: Path) -> None:
    client = redis.Redis(unix_socket_path=str(socket))
    for _ in range(200):
        try:
            client.ping()
        except redis.exceptions.AuthenticationError:
            return
        except (redis.exceptions.RedisError, OSError):
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the broker did not start")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"appendonly": "no"}, "append-only file"),
        ({"maxmemory-policy": "allkeys-lru"}, "evicts tasks (allkeys-lru)"),
        ({"requirepass": ""}, "without a password"),
    ],
)
def test_a_broker_that_loses_tasks_or_is_open_is_named(
    tmp_path: Path, changes: dict[str, str], complaint: str
) -> None:
    with broker(tmp_path, **changes) as url:
        address = url.replace(f":{SAFE['requirepass']}@", "") if "requirepass" in changes else url
        [problem] = broker_problems(address)
    assert complaint in problem


def test_a_safe_broker_is_not_complained_about_and_an_absent_one_not_asked(tmp_path: Path) -> None:
    with broker(tmp_path) as url:
        assert broker_problems(url) == []
    assert broker_problems(url) == []


@pytest.mark.django_db
def test_production_does_not_serve_as_the_owner_of_its_tables(settings: Any) -> None:
    refuse_unsafe_servers()  # development may
    settings.PITBOSS_REFUSE_UNSAFE_SERVERS = True
    with pytest.raises(ImproperlyConfigured) as refusal:
        refuse_unsafe_servers()
    assert "owns" in str(refusal.value)


@pytest.mark.django_db
def test_readiness_says_that_the_servers_are_unsafe(client: Client, settings: Any) -> None:
    assert client.get("/readyz").status_code == 200
    settings.PITBOSS_REFUSE_UNSAFE_SERVERS = True
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["failing"]) == (503, ["safety"])


@pytest.mark.skipif(not settings.PITBOSS_EMBEDDED_POSTGRES, reason="it needs the embedded servers")
def test_what_serves_is_the_application_and_commands_are_the_owner() -> None:
    serving = database_settings(None, settings.PITBOSS_DATA_DIR, "gateway")
    command = database_settings(None, settings.PITBOSS_DATA_DIR, "command")
    assert (serving["USER"], command["USER"]) == ("pitboss_app", "pitboss")


def test_the_owner_migrates_and_the_application_is_the_other_role() -> None:
    app = "postgresql://app:word@db.invalid/pitboss"
    owner = "postgresql://owner:word@db.invalid/pitboss"
    assert application_role(None, None) == "pitboss_app"
    assert application_role(app, None) is None
    assert application_role(app, owner) == "app"
    assert database_settings(app, REPOSITORY, "web")["USER"] == "app"
