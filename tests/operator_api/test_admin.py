"""Clients are made by those who may, and a token is shown on one page, once."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from apps.core.models import AuditEntry
from apps.operator_api import services
from apps.operator_api.errors import NoSecondPersonNeededError, SecondPersonNeededError
from apps.operator_api.models import ApiClient, ApiToken
from apps.staff.enums import Role
from apps.staff.errors import SelfApprovalError
from apps.staff.models import Approval
from apps.staff.services import approve, sync_roles
from tests.factories import make_user
from tests.forms import ABOVE_THE_FORM, assert_kept
from tests.operator_api.builders import ALL, NOW, Api, make_api, make_casino

pytestmark = pytest.mark.django_db

MAY = tuple(
    f"operator_api.{name}"
    for name in (
        "add_apiclient",
        "add_apitoken",
        "change_apitoken",
        "view_apiclient",
        "view_apitoken",
    )
)
LIST = "/admin/operator_api/apiclient/"


def _staff(*permissions: str) -> Client:
    client = Client()
    client.force_login(make_user(permissions=permissions))
    return client


def test_a_client_and_its_token_are_made_in_two_steps_and_the_token_works() -> None:
    make_casino()
    engineer = _staff(*MAY)
    added = engineer.post(
        f"{LIST}add/",
        {"name": "Backend", "scopes": ["players:read"], "reason": "New integration."},
    )
    page = f"{LIST}{ApiClient.objects.get().pk}/change/"
    assert (added.status_code, added.headers["Location"]) == (302, page)
    assert "Issue a token" in engineer.get(page).content.decode()
    issue = page.replace("/change/", "/do/issue/")
    assert engineer.get(issue).status_code == 200
    assert not ApiToken.objects.exists()
    issued = engineer.post(issue, {"days": "30", "reason": "First token."})
    [secret] = set(re.findall(r"pbk_[A-Za-z0-9_-]{43}", issued.content.decode()))
    assert "no-store" in issued.headers["Cache-Control"]
    assert Api(secret).get("players/p-1001/balance")[0] == 200
    for path in (page, "/admin/operator_api/apitoken/", LIST):
        assert secret not in engineer.get(path).content.decode()
    assert {entry.reason for entry in AuditEntry.objects.all()} == {
        "New integration.",
        "First token.",
    }


def test_who_may_only_look_makes_and_revokes_nothing() -> None:
    make_api()
    client, token = ApiClient.objects.get(), ApiToken.objects.get()
    auditor = _staff("operator_api.view_apiclient", "operator_api.view_apitoken")
    assert auditor.get(f"{LIST}{client.pk}/change/").status_code == 200
    assert auditor.get(f"{LIST}add/").status_code == 403
    reason = {"days": "30", "reason": "Let me in."}
    assert auditor.post(f"{LIST}{client.pk}/do/issue/", reason).status_code == 403
    revoke = f"/admin/operator_api/apitoken/{token.pk}/do/revoke/"
    assert auditor.post(revoke, reason).status_code == 403
    assert ApiToken.objects.get().revoked_at is None
    assert _staff(*MAY).post(revoke, reason).status_code == 302
    assert ApiToken.objects.get().revoked_reason == "Let me in."


def test_a_compliance_officer_revokes_a_token_and_issues_none(now: datetime) -> None:
    sync_roles(now=now)
    make_api()
    officer = Client()
    officer.force_login(make_user(roles=(Role.COMPLIANCE_OFFICER,)))
    reason = {"days": "30", "reason": "It moved money nobody asked for."}
    client, token = ApiClient.objects.get(), ApiToken.objects.get()
    assert officer.get(f"{LIST}{client.pk}/change/").status_code == 200
    assert officer.get(f"{LIST}add/").status_code == 403
    assert officer.post(f"{LIST}{client.pk}/do/issue/", reason).status_code == 403
    revoke = f"/admin/operator_api/apitoken/{token.pk}/do/revoke/"
    assert officer.post(revoke, reason).status_code == 302
    assert ApiToken.objects.get().revoked_reason == reason["reason"]


def test_a_refused_form_says_why_and_makes_nothing() -> None:
    make_api(name="Backend")
    engineer = _staff(*MAY)
    form = {"name": "Backend", "scopes": ["players:read"], "reason": "Once more."}
    assert_kept(engineer.post(f"{LIST}add/", form), form, beside="name", says="named")
    changes: list[dict[str, Any]] = [
        {"name": ""},
        {"scopes": []},
        {"scopes": ["everything"]},
        {"reason": ""},
    ]
    for change in changes:
        assert engineer.post(f"{LIST}add/", {**form, **change}).status_code == 200
    assert ApiClient.objects.count() == 1


def test_a_session_page_shows_its_tokens_and_every_refresh() -> None:
    make_casino()
    api = make_api()
    _, opened = api.open()
    path = f"sessions/{opened['session_id']}/refresh"
    for _ in range(2):
        api.post(path, {"refresh_credential": opened["refresh_credential"]})
    agent = _staff("play.view_gamesession")
    listed = agent.get("/admin/play/gamesession/", {"q": opened["session_id"]})
    assert "p-1001" in listed.content.decode()
    [page] = set(re.findall(r"/admin/play/gamesession/\d+/change/", listed.content.decode()))
    text = agent.get(page).content.decode()
    assert "Refresh credential used twice" in text
    assert text.count("play-") >= 2
    assert opened["refresh_credential"] not in text


def test_a_token_that_moves_money_is_handed_out_after_a_second_person_agreed(
    now: datetime,
) -> None:
    sync_roles(now=now)
    client_id = services.create_client(
        name="Cashier", scopes=["transfers:write"], acting_user=None, reason="Shop.", now=NOW
    )
    page = f"{LIST}{client_id}/change/"
    issue = page.replace("/change/", "/do/issue/")
    asker, other = make_user(roles=(Role.INTEGRATION_ENGINEER,)), Client()
    engineer = Client()
    engineer.force_login(asker)
    other.force_login(make_user(roles=(Role.INTEGRATION_ENGINEER,)))
    form = {"days": "30", "reason": "The cashier goes live."}
    assert "a second person has to agree" in engineer.get(issue).content.decode()
    assert engineer.post(issue, form).status_code == 302
    assert "A token awaits a second person" in engineer.get(page).content.decode()
    again = {"days": "45", "reason": "The cashier goes live on Monday."}
    refused = engineer.post(issue, again)
    assert_kept(refused, again, beside=ABOVE_THE_FORM, says="already")
    assert not ApiToken.objects.exists()
    approval = Approval.objects.get()
    assert approval.payload["days"] == 30
    assert approval.payload["scopes"] == ["transfers:write"]
    with pytest.raises(SelfApprovalError):
        approve(approval_id=approval.pk, user=asker, reason="Mine.", now=NOW)
    officer = make_user(roles=(Role.COMPLIANCE_OFFICER,))
    approve(approval_id=approval.pk, user=officer, reason="Agreed in the call.", now=NOW)
    # Nobody else picks it up: for them it is a request of their own.
    assert "a second person has to agree" in other.get(issue).content.decode()
    assert "agreed to a token for 30 days" in engineer.get(issue).content.decode()
    issued = engineer.post(issue)
    [secret] = set(re.findall(r"pbk_[A-Za-z0-9_-]{43}", issued.content.decode()))
    assert Api(secret).pay("k-1")[0] == 404
    token = ApiToken.objects.get()
    assert (token.moves_money, token.approval_id, token.issued_by) == (True, approval.pk, asker)
    entry = AuditEntry.objects.get(action="operator_api.token.issued")
    assert (entry.details["approval_id"], entry.details["through"]) == (approval.pk, "back office")
    # Once: what comes after is a new request.
    assert "a second person has to agree" in engineer.get(issue).content.decode()
    with pytest.raises(SecondPersonNeededError):
        services.pick_up_token(client_id=client_id, acting_user=asker, now=NOW)


def test_a_token_agreed_on_waits_a_week_and_no_longer(now: datetime) -> None:
    sync_roles(now=now)
    client_id = services.create_client(
        name="Cashier", scopes=ALL, acting_user=None, reason="Shop.", now=NOW
    )
    asker = make_user(roles=(Role.INTEGRATION_ENGINEER,))
    ask: dict[str, Any] = {"acting_user": asker, "reason": "Goes live.", "now": NOW}
    approval_id = services.request_token(client_id=client_id, days=3, **ask)
    officer = make_user(roles=(Role.COMPLIANCE_OFFICER,))
    approve(approval_id=approval_id, user=officer, reason="Agreed.", now=NOW)
    late = NOW + timedelta(days=7, seconds=1)
    with pytest.raises(SecondPersonNeededError):
        services.pick_up_token(client_id=client_id, acting_user=asker, now=late)
    assert services.pick_up_token(client_id=client_id, acting_user=asker, now=NOW).secret
    reader = services.create_client(
        name="Reader", scopes=["players:read"], acting_user=None, reason="Shop.", now=NOW
    )
    with pytest.raises(NoSecondPersonNeededError):
        services.request_token(client_id=reader, days=3, **ask)
