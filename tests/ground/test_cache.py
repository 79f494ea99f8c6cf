"""The cache: nobody waits for one that hangs, and no test meets what another kept."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import Settings

from config.settings import base
from tests.caching import begin_with_an_empty_cache
from tests.operator_api.builders import make_api


@pytest.fixture
def _a_cache_that_hangs(tmp_path: Path, settings: Settings) -> Iterator[None]:
    address, production = str(tmp_path / "v.sock"), base.CACHES["default"]
    quick = dict.fromkeys(production["OPTIONS"], 0.1)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()  # and never answers
        settings.CACHES = {
            "default": {**production, "LOCATION": f"unix://{address}", "OPTIONS": quick}
        }
        yield


@pytest.mark.django_db
@pytest.mark.usefixtures("_a_cache_that_hangs")
def test_a_cache_that_hangs_holds_no_call_up_and_is_named() -> None:
    assert make_api().get("players/nobody/balance")[0] == 404
    assert "redis" in Client().get("/readyz").json()["failing"]


def test_what_one_test_kept_the_next_does_not_find() -> None:
    cache.set("calls", 1, timeout=60)
    kept_as = cache.make_key("calls")

    begin_with_an_empty_cache()

    assert cache.get("calls") is None
    assert cache.make_key("calls") != kept_as
