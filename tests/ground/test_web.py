from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import Settings
from redis.exceptions import ConnectionError as RedisConnectionError

COMMON = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PASSWORD = "a long enough phrase"


def _policy(header: str) -> dict[str, str]:
    directives = header.split(";")
    return dict(directive.strip().partition(" ")[::2] for directive in directives)


def _staff(name: str = "ada") -> None:
    get_user_model().objects.create_superuser(name, f"{name}@pitboss.invalid", PASSWORD)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/login/", "/healthz", "/api/schema/", "/metrics"])
def test_every_answer_carries_the_headers(client: Client, path: str) -> None:
    response = client.get(path)

    assert {name: response.headers[name] for name in COMMON} == COMMON
    assert "camera=()" in response.headers["Permissions-Policy"]


@pytest.mark.django_db
def test_pages_load_nothing_from_elsewhere_and_run_no_inline_script(client: Client) -> None:
    policy = _policy(client.get("/admin/login/").headers["Content-Security-Policy"])

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self' 'unsafe-eval'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert "://" not in " ".join(policy.values())


def test_machines_get_no_content_policy_and_no_cache(client: Client) -> None:
    response = client.get("/healthz")

    assert _policy(response.headers["Content-Security-Policy"]) == {
        "default-src": "'none'",
        "frame-ancestors": "'none'",
    }
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_readiness_names_what_does_not_answer(client: Client) -> None:
    assert client.get("/readyz").json() == {"status": "ok"}

    with patch.object(cache, "get", side_effect=RedisConnectionError):
        response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "failing": ["redis"]}


def test_metrics_are_for_this_machine_or_for_whoever_has_the_token(
    client: Client, settings: Settings
) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.9").status_code == 404

    settings.PITBOSS_METRICS_TOKEN = "t" * 24
    assert client.get("/metrics").status_code == 404
    authorised = client.get("/metrics", headers={"Authorization": f"Bearer {'t' * 24}"})
    assert authorised.status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/"])
def test_the_api_pages_are_for_staff(client: Client, path: str) -> None:
    assert client.get(path).status_code == 403
    _staff()
    client.force_login(get_user_model().objects.get())

    assert client.get(path).status_code == 200


@pytest.mark.django_db
def test_five_wrong_passwords_lock_one_person_at_one_address_for_a_while(client: Client) -> None:
    _staff("ada")
    _staff("bob")

    def sign_in(name: str, password: str, address: str = "203.0.113.9") -> int:
        form = {"login": name, "password": password}
        return client.post("/admin/login/", form, REMOTE_ADDR=address).status_code

    for _ in range(5):
        sign_in("ada", "wrong")

    assert sign_in("ada", PASSWORD) == 429
    assert sign_in("bob", PASSWORD) == 302
    client.logout()
    assert sign_in("ada", PASSWORD, "203.0.113.10") == 302
    client.logout()
    with time_machine.travel(timedelta(minutes=16)):
        assert sign_in("ada", PASSWORD) == 302


@pytest.mark.django_db
def test_who_is_locked_out_reads_when_to_try_again(client: Client) -> None:
    _staff("ada")
    form = {"login": "ada", "password": "wrong"}
    with time_machine.travel(datetime(2026, 11, 22, 23, 50, 30, tzinfo=UTC), tick=False):
        fifth = [client.post("/admin/login/", form) for _ in range(5)][-1]
        again = client.post("/admin/login/", {**form, "password": PASSWORD})
    assert [fifth.status_code, again.status_code] == [429, 429]
    assert again.headers["Retry-After"] == "900"
    text = " ".join(again.content.decode().split())
    assert "Try again <strong>at 00:05:30 UTC</strong>, in 15 minutes." in text
    assert "A try before then starts the time anew" in text
    assert "ada" not in text


@pytest.mark.django_db
def test_a_sign_in_page_sent_too_often_says_when_to_try_again(
    client: Client, settings: Settings
) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login": "1/m/ip"}
    form = {"login": "nobody", "password": "wrong"}
    with time_machine.travel(datetime(2026, 11, 22, 10, 0, tzinfo=UTC), tick=False):
        answers = [client.post("/admin/login/", form, REMOTE_ADDR="203.0.113.77") for _ in "ab"]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].headers["Retry-After"] == "60"
    text = " ".join(answers[1].content.decode().split())
    assert "Try again <strong>at 10:01:00 UTC</strong>, in 1 minute." in text
    assert "Nobody is locked out" in text


@pytest.mark.django_db
def test_a_session_ends_twelve_hours_after_sign_in_however_busy(client: Client) -> None:
    _staff()
    client.force_login(get_user_model().objects.get())

    with time_machine.travel(0, tick=False) as clock:
        for _ in range(25):
            assert client.get("/admin/").status_code == 200
            clock.shift(29 * 60)

        assert client.get("/admin/").status_code == 302


@pytest.mark.django_db
def test_signing_out_clears_what_the_browser_kept(client: Client) -> None:
    _staff()
    client.force_login(get_user_model().objects.get())

    assert "Clear-Site-Data" in client.post("/admin/logout/").headers


@pytest.mark.parametrize("path", ["/api/schema/", "/callbacks/aurora/rounds"])
def test_machines_are_refused_over_plain_http_and_not_redirected(
    client: Client, path: str, settings: Settings
) -> None:
    settings.SECURE_SSL_REDIRECT = True

    assert client.get(path).status_code == 403
