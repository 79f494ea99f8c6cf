"""A page that renews itself, in Chromium: what is new appears, what a person types stays."""

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from apps.rounds.admin.deliveries import DeliveryAdmin
from apps.staff.enums import Role
from apps.staff.services import sync_roles
from tests.factories import make_user
from tests.gateway.builders import Casino, open_casino
from tests.screenshots.chromium import Chromium, chromium_path

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed"),
]

_ROWS = "document.querySelectorAll('[data-pb-live-body] tbody tr').length"
_STATE = "document.querySelector('[data-pb-live-state]').textContent"
_MOOD = "document.querySelector('[data-pb-live-dot]').dataset.mood"
_SEARCH = "document.querySelector('#searchbar')"


@pytest.fixture
def casino() -> Casino:
    sync_roles(now=datetime.now(UTC))
    return open_casino()


@pytest.fixture
def log(
    live_server: Any, tmp_path: Path, casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Chromium]:
    """The delivery log with one delivery, open before an engineer, renewed every two seconds."""
    monkeypatch.setattr(DeliveryAdmin, "live_seconds", 2)
    casino.send_one(casino.event("e-1"))
    client = Client()
    client.force_login(make_user(roles=(Role.INTEGRATION_ENGINEER,)))
    found = chromium_path()
    assert found is not None
    with Chromium(found) as browser:
        name = settings.SESSION_COOKIE_NAME
        browser.sign_in(live_server.url, {name: client.cookies[name].value})
        browser.picture(f"{live_server.url}/admin/rounds/delivery/", tmp_path / "page.png")
        assert browser.value(_ROWS) == 1
        browser.value("window.loadedOnce = true")
        yield browser


def wait_until(browser: Chromium, expression: str, expected: Any, *, seconds: float = 8) -> None:
    """Wait for an expression on the page to become what is expected."""
    found = None
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = browser.value(expression)
        if found == expected:
            return
        time.sleep(0.1)
    raise AssertionError(f"{expression} is {found!r}, not {expected!r}, after {seconds} s")


def test_what_arrives_appears_without_a_reload_and_typing_is_not_disturbed(
    log: Chromium, casino: Casino
) -> None:
    log.value(f"{_SEARCH}.focus()")
    log.type_in("msg_hal")
    log.value(f"{_SEARCH}.setSelectionRange(2, 5)")
    casino.send_one(casino.event("e-2"))
    wait_until(log, _ROWS, 2)
    log.type_in("X")
    assert log.value(f"document.activeElement === {_SEARCH}")
    assert log.value(f"{_SEARCH}.value") == "msXal"
    assert log.value("window.loadedOnce") is True


def test_text_that_is_being_marked_stands_still_until_it_is_let_go(
    log: Chromium, casino: Casino
) -> None:
    log.value("getSelection().selectAllChildren(document.querySelector('[data-pb-live-body] th'))")
    casino.send_one(casino.event("e-2"))
    time.sleep(2.5)
    assert log.value(_ROWS) == 1
    log.value("getSelection().removeAllRanges()")
    wait_until(log, _ROWS, 2)


def test_a_server_that_answers_no_more_is_told_and_so_is_its_return(
    log: Chromium, casino: Casino
) -> None:
    log.cut_off(is_offline=True)
    casino.send_one(casino.event("e-2"))
    wait_until(log, _MOOD, "late")
    said = str(log.value(_STATE))
    assert said.startswith("Updated "), said
    assert said.endswith(" UTC. No answer since; trying again."), said
    assert log.value(_ROWS) == 1
    log.cut_off(is_offline=False)
    wait_until(log, _MOOD, "fresh")
    assert log.value(_ROWS) == 2
    assert "No answer" not in str(log.value(_STATE))
