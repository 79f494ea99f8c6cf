"""Tests use the embedded servers, or those that DATABASE_URL and REDIS_URL name."""

import pytest

from apps.core.embedded.servers import ensure_servers


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-role-matrix",
        action="store_true",
        help="write who may do what to tests/architecture/role_matrix.txt, to review the diff",
    )


def pytest_configure() -> None:
    ensure_servers()
