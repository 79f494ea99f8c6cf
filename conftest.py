"""Tests use the embedded servers, or those that DATABASE_URL and REDIS_URL name."""

from apps.core.embedded.servers import ensure_servers


def pytest_configure() -> None:
    ensure_servers()
