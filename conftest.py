"""Tests use the embedded servers, or those that DATABASE_URL and REDIS_URL name."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    from apps.core.embedded.servers import ensure_servers  # noqa: PLC0415 - needs the settings chosen

    ensure_servers()
