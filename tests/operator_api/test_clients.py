"""Who may call: a token that holds, with the scope of the endpoint. Nobody else learns anything."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.db.utils import ProgrammingError
from django.test import Client

from apps.core.errors import ReasonRequiredError
from apps.core.models import AuditEntry
from apps.operator_api import services
from apps.operator_api.errors import (
    ClientNameTakenError,
    ScopesError,
    SecondPersonNeededError,
    TokenLifetimeError,
    TokenRevokedError,
    UnknownClientError,
)
from apps.operator_api.models import ApiClient, ApiToken
from tests.factories import make_user
from tests.operator_api.builders import ALL, NOW, Api, make_api, make_casino

pytestmark = pytest.mark.django_db

ENDPOINTS = [
    ("POST", "sessions", "sessions:write"),
    ("POST", "sessions/00000000-0000-4000-8000-000000000001/refresh", "sessions:write"),
    ("DELETE", "sessions/00000000-0000-4000-8000-000000000001", "sessions:write"),
    ("POST", "transfers", "transfers:write"),
    ("GET", "players/p-1001/balance", "players:read"),
    ("GET", "players/p-1001/bonuses", "players:read"),
    ("GET", "players/p-1001/withdrawal-eligibility", "players:read"),
    ("PUT", "players/p-1001", "players:write"),
    ("GET", "rounds/aurora/e-1", "rounds:read"),
    ("POST", "certificates", "certificates:write"),
    ("GET", "can-serve", "gate:read"),
]
MADE_BY: dict[str, Any] = {"acting_user": None, "reason": "For a test.", "now": NOW}


@pytest.mark.parametrize(("method", "path", "scope"), ENDPOINTS)
def test_each_endpoint_needs_a_token_and_its_own_scope(method: str, path: str, scope: str) -> None:
    without = Client().generic(method, f"/api/v1/{path}", b"", content_type="application/json")
    assert without.status_code == 401
    assert without.headers["WWW-Authenticate"].startswith("Bearer")
    assert without.json()["code"] == "not_authenticated"
    other = make_api(tuple(each for each in ALL if each != scope))
    status, problem = other.call(method, path)
    assert (status, problem["code"]) == (403, "missing_scope")
    status, _ = make_api((scope,), name="Other").call(method, path)
    assert status not in {401, 403}


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer pbk_unknown",
        "Bearer pbk_unknown twice",
        "Basic cGJrOng=",
        "Token pbk_unknown",
        f"Bearer {'x' * 5000}",
        "Bearer \u00e9\u00e9",
    ],
)
def test_what_is_no_token_of_ours_is_refused_alike(header: str) -> None:
    answer = Client().get("/api/v1/players/p-1001/balance", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.json()["code"] in {"not_authenticated", "invalid_token"}
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_token_ends_with_its_last_second() -> None:
    make_casino()
    api = make_api()
    end = NOW + timedelta(days=30)
    with time_machine.travel(end - timedelta(seconds=1), tick=False):
        assert api.get("players/p-1001/balance")[0] == 200
    with time_machine.travel(end, tick=False):
        assert api.get("players/p-1001/balance")[1]["code"] == "invalid_token"


def test_a_revoked_token_ends_at_once_and_the_other_goes_on() -> None:
    make_casino()
    first = make_api()
    client = ApiClient.objects.get()
    second = Api(services.issue_token(client_id=client.pk, days=1, **MADE_BY).secret)
    services.revoke_token(token_id=ApiToken.objects.earliest("pk").pk, **MADE_BY)
    assert first.get("players/p-1001/balance")[0] == 401
    assert second.get("players/p-1001/balance")[0] == 200
    with pytest.raises(TokenRevokedError):
        services.revoke_token(token_id=ApiToken.objects.earliest("pk").pk, **MADE_BY)


def test_the_secret_is_stored_nowhere_and_its_use_is_noted() -> None:
    make_casino()
    api = make_api()
    stored = str(list(ApiToken.objects.values_list()) + list(AuditEntry.objects.values_list()))
    assert api.token not in stored
    assert api.token[:12] in stored
    api.get("players/p-1001/balance")
    assert ApiToken.objects.get().last_used_at == NOW


def test_a_client_of_one_sees_nothing_under_other_paths() -> None:
    api = make_api()
    for path in ("", "players", "sessions/", "players/p-1001/", "schema", "players/a/b/c"):
        status, problem = api.get(path)
        assert (status, problem["code"]) == (404, "not_found")
        assert Client().get(f"/api/v1/{path}").status_code == 401


def test_a_client_is_refused_without_scopes_name_or_reason() -> None:
    for scopes in ((), ("everything",), ("players:read", "players:delete")):
        with pytest.raises(ScopesError):
            services.create_client(name="Casino", scopes=scopes, **MADE_BY)
    with pytest.raises(ReasonRequiredError):
        services.create_client(name="Casino", scopes=ALL, **{**MADE_BY, "reason": " "})
    services.create_client(name="Casino", scopes=ALL, **MADE_BY)
    with pytest.raises(ClientNameTakenError):
        services.create_client(name="Casino", scopes=ALL, **MADE_BY)
    assert ApiClient.objects.count() == 1


@pytest.mark.parametrize("days", [0, -1, 367])
def test_a_token_lives_for_a_day_to_a_year(days: int) -> None:
    client_id = services.create_client(name="Casino", scopes=ALL, **MADE_BY)
    with pytest.raises(TokenLifetimeError):
        services.issue_token(client_id=client_id, days=days, **MADE_BY)
    with pytest.raises(UnknownClientError):
        services.issue_token(client_id=client_id + 1, days=1, **MADE_BY)


def test_the_database_refuses_unknown_scopes_and_any_change() -> None:
    make_api()
    client = ApiClient.objects.get()
    for scopes in ([], ["everything"]):
        with (
            pytest.raises(IntegrityError, match="operator_api_client_has_known_scopes"),
            transaction.atomic(),
        ):
            ApiClient.objects.create(name="Other", scopes=scopes, created_at=NOW)
    with pytest.raises(ProgrammingError), transaction.atomic():
        ApiClient.objects.filter(pk=client.pk).update(scopes=["players:read"])
    with pytest.raises(ProgrammingError), transaction.atomic():
        ApiToken.objects.update(expires_at=NOW + timedelta(days=99))
    with (
        pytest.raises(IntegrityError, match="operator_api_token_revoked_with_a_reason"),
        transaction.atomic(),
    ):
        ApiToken.objects.update(revoked_at=NOW)
    services.revoke_token(token_id=ApiToken.objects.get().pk, **MADE_BY)
    with pytest.raises(ProgrammingError), transaction.atomic():
        ApiToken.objects.update(revoked_at=None, revoked_reason="")


def test_the_command_prints_a_token_that_works() -> None:
    make_casino()
    out = StringIO()
    call_command("create_api_client", "Backend", "--scope", "players:read", "--json", stdout=out)
    made = json.loads(out.getvalue())
    assert Api(made["token"]).get("players/p-1001/balance")[0] == 200
    out = StringIO()
    call_command("create_api_client", "Backend", stdout=out)
    assert "pbk_" in out.getvalue()
    assert ApiToken.objects.count() == 2
    with pytest.raises(CommandError):
        call_command("create_api_client", "Backend", "--scope", "gate:read")
    with pytest.raises(CommandError, match="scopes"):
        call_command("create_api_client", "Nobody")
    assert ApiToken.objects.count() == 2


def test_one_person_alone_issues_no_token_that_moves_money() -> None:
    client_id = services.create_client(name="Casino", scopes=ALL, **MADE_BY)
    person = {**MADE_BY, "acting_user": make_user()}
    with pytest.raises(SecondPersonNeededError):
        services.issue_token(client_id=client_id, days=1, **person)
    assert not ApiToken.objects.exists()
    services.issue_token(client_id=client_id, days=1, **MADE_BY)
    entry = AuditEntry.objects.get(action="operator_api.token.issued")
    assert (entry.details["through"], entry.details["moves_money"]) == ("command line", True)
    with (
        pytest.raises(IntegrityError, match="operator_api_token_for_money_agreed_by_two"),
        transaction.atomic(),
    ):
        ApiToken.objects.create(
            client_id=client_id,
            prefix="pbk_x",
            digest="d",
            issued_by=make_user(),
            moves_money=True,
            issued_at=NOW,
            expires_at=NOW + timedelta(days=1),
        )
