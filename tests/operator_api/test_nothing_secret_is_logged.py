"""What opens something is handed out once and stands in no log, whatever becomes of the request."""

import logging

import pytest
from django.test import Client

from tests.operator_api.builders import make_api, make_casino

pytestmark = pytest.mark.django_db


def _everything_said(records: list[logging.LogRecord]) -> str:
    """Return all that any handler could write of these records, whatever its format."""
    return "\n".join(f"{record.getMessage()} {record.__dict__}" for record in records)


def test_tokens_credentials_and_codes_stand_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    make_casino()
    api = make_api()
    _, opened = api.open()
    code = opened["launch_url"].partition("code=")[2]
    Client().get("/play/launch", {"code": code})
    Client().get("/play/launch", {"code": code})  # used up
    path = f"sessions/{opened['session_id']}/refresh"
    _, renewed = api.post(path, {"refresh_credential": opened["refresh_credential"]})
    api.post(path, {"refresh_credential": opened["refresh_credential"]})  # used twice
    api.post(path, {"refresh_credential": renewed["refresh_credential"]})  # ended by that
    make_api(("gate:read",), name="Another").get(
        "players/p-1001/balance"
    )  # a scope that is missing

    said = _everything_said(caplog.records)
    assert "http.request.finished" in said or "request_finished" in said
    secrets = {
        "the client's token": api.token,
        "a gameplay token": opened["token"],
        "the token after it": renewed["token"],
        "a refresh credential": opened["refresh_credential"],
        "the credential after it": renewed["refresh_credential"],
        "a launch code": code,
    }
    assert [name for name, secret in secrets.items() if secret in said] == []
