"""Addresses of PostgreSQL and Redis: the embedded ones, or those the environment names."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from apps.core.embedded.paths import APP_ROLE, DATABASE, POSTGRES_PORT, embedded_paths

# Seconds: (statement, lock, idle in transaction). Commands have no limit: imports take their time.
_TIMEOUTS: dict[str, tuple[int, int, int]] = {
    "web": (5, 2, 15),
    "gateway": (5, 2, 15),
    "worker": (80, 10, 90),
    "beat": (10, 5, 15),
    "relay": (10, 5, 15),
}

# The gateway reads by key alone, and its plans, those of foreign key checks among them, live as
# long as its connection. A plan made while a table was nearly empty would read the whole of it for
# each key until autovacuum came by: eight times slower after 12,000 events, and worse from there
# (measured).
_BY_KEY_ONLY = " -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"


def database_settings(url: str | None, data_dir: Path, role: str) -> dict[str, Any]:
    """Django's settings for PostgreSQL.

    Raises:
        ValueError: the URL is not one of PostgreSQL.
    """
    address = _embedded_address(data_dir, role) if url is None else _parse(url)
    options = dict(address.pop("OPTIONS", {}))
    options.setdefault("connect_timeout", 10)
    options.setdefault("application_name", f"pitboss-{role}")
    # Reaches only what is bound on the server: the gateway's statements, and core.prepared.
    options.setdefault("prepare_threshold", 2)
    limits = _TIMEOUTS.get(role)
    if limits is not None:
        names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        options["options"] = " ".join(
            f"-c {name}={seconds}s" for name, seconds in zip(names, limits, strict=True)
        )
    if role == "gateway":
        # Its few statements run thousands of times: bound and prepared on the server they are
        # parsed and planned once. Unprepared, that took longer than running them (measured).
        options["server_side_binding"] = True
        options["prepare_threshold"] = 1
        options["options"] += _BY_KEY_ONLY
    return {
        "ENGINE": "django_prometheus.db.backends.postgresql",
        **address,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
        "OPTIONS": options,
    }


def application_role(url: str | None, owner_url: str | None) -> str | None:
    """The role that may only add to history; None where one role does everything."""
    if url is None:
        return APP_ROLE
    return None if owner_url is None else str(_parse(url)["USER"])


def broker_url(url: str | None, data_dir: Path, database: int) -> str:
    """Celery's broker; kombu has a scheme of its own for Unix sockets."""
    if url is not None:
        return _with_database(url, database)
    socket = quote(str(embedded_paths(data_dir).valkey_socket))
    return f"redis+socket://{socket}?virtual_host={database}"


def cache_url(url: str | None, data_dir: Path, database: int) -> str:
    if url is not None:
        return _with_database(url, database)
    return f"unix://{quote(str(embedded_paths(data_dir).valkey_socket))}?db={database}"


def _embedded_address(data_dir: Path, role: str) -> dict[str, Any]:
    """Serving processes are the application's role; commands own the tables and migrate them."""
    return {
        "NAME": DATABASE,
        "USER": APP_ROLE if role in _TIMEOUTS else DATABASE,
        "HOST": str(embedded_paths(data_dir).postgres_socket_dir),
        "PORT": str(POSTGRES_PORT),
    }


def _parse(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        message = "DATABASE_URL must read postgresql://user:password@host:port/name"
        raise ValueError(message)
    query = dict(parse_qsl(parts.query))
    return {
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", unquote(parts.hostname or "")),
        "PORT": str(parts.port or ""),
        "OPTIONS": query,
    }


def _with_database(url: str, database: int) -> str:
    """Put the database number where the URL names none."""
    parts = urlsplit(url)
    if parts.path.strip("/"):
        return url
    return parts._replace(path=f"/{database}").geturl()
