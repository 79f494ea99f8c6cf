"""What production asks its servers before a process serves: settings can't tell it."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import redis
import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection

from apps.core.services import unsafe_connection
from config.databases import cache_url
from config.environment import environment, reveal

logger = structlog.get_logger(__name__)
_SECONDS = 5


def refuse_unsafe_servers() -> None:
    """Ask PostgreSQL and the broker, in production, whether money and tasks are safe with them.

    A server that does not answer is not asked: a gateway also starts while PostgreSQL is away.
    ``/readyz`` asks again.

    Raises:
        ImproperlyConfigured: one line for each thing unsafe.
    """
    if not settings.PITBOSS_REFUSE_UNSAFE_SERVERS:
        return
    try:
        problems = server_problems()
    finally:
        connection.close()  # workers fork after this, and must not share it
    if problems:
        raise ImproperlyConfigured(
            "Pitboss does not start with these servers:\n- " + "\n- ".join(problems)
        )


def server_problems() -> list[str]:
    """Name everything unsafe about the servers that answer."""
    try:
        found = unsafe_connection()
    except DatabaseError as error:
        logger.warning("servers.postgresql.not_asked", error=type(error).__name__)
        found = []
    broker = cache_url(reveal(environment().redis_url), settings.PITBOSS_DATA_DIR, 0)
    return [*found, *broker_problems(broker)]


def broker_problems(url: str) -> list[str]:
    """Name what would lose tasks: no append-only file, eviction, or a broker open to anybody."""
    client = redis.Redis.from_url(url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS)
    try:
        return list(_ask_broker(client, url))
    except (redis.exceptions.RedisError, OSError) as error:
        logger.warning("servers.broker.not_asked", error=type(error).__name__)
        return []
    finally:
        client.close()


def _ask_broker(client: redis.Redis, url: str) -> Iterator[str]:
    if not int(_told(client, "persistence", "aof_enabled")):
        yield "REDIS_URL: the broker keeps no append-only file (appendonly yes)."
    policy = _told(client, "memory", "maxmemory_policy")
    if policy != "noeviction":
        yield f"REDIS_URL: the broker evicts tasks ({policy}); set maxmemory-policy noeviction."
    if _answers_anybody(url):
        yield "REDIS_URL: the broker answers without a password."


def _told(client: redis.Redis, section: str, name: str) -> str:
    """Return one fact; INFO, since managed brokers refuse CONFIG."""
    facts: Any = client.info(section)  # typed as awaitable too, which only the async client's is
    return str(facts[name])


def _answers_anybody(url: str) -> bool:
    credentials, _, _ = urlsplit(url).netloc.rpartition("@")
    nobody = url.replace(f"{credentials}@", "", 1) if credentials else url
    client = redis.Redis.from_url(nobody, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS)
    try:
        return bool(client.ping())
    except redis.exceptions.AuthenticationError:
        return False
    finally:
        client.close()
