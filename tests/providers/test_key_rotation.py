"""Webhook keys: added beside the old one, shown once, ended with an overlap, revoked at once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.errors import DomainError, ReasonRequiredError
from apps.core.models import AuditEntry
from apps.gateway.services.intake import UnauthenticatedError
from apps.providers.admin.keys import key_standing
from apps.providers.contracts import NewKey
from apps.providers.errors import InvalidSecretError, ProviderKeyStateError, UnknownProviderError
from apps.providers.models import Provider, ProviderKey
from apps.providers.selectors.profiles import provider_profile
from apps.providers.services import keys
from apps.staff.enums import Role
from apps.staff.services import sync_roles
from tests.factories import make_provider, make_user
from tests.gateway.builders import SECRET_TEXT, Casino, give_key, open_casino

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
OTHER_SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0"
WHY = "The yearly change of keys."


@pytest.fixture
def provider(now: datetime) -> Provider:
    sync_roles(now=now)
    provider = make_provider("aurora")
    give_key(provider)
    return provider


def new_key(provider: Provider, now: datetime, **changes: Any) -> NewKey:
    values: dict[str, Any] = {
        "provider_id": provider.pk,
        "kid": "k-2",
        "secret": "",
        "not_before": now,
        "not_after": None,
        "end_others_at": None,
        **changes,
    }
    return NewKey(**values)


def active_kids(now: datetime) -> list[str]:
    profile = provider_profile("aurora")
    assert profile is not None
    return [key.kid for key in profile.keys if key.is_active(now)]


def add(new: NewKey, now: datetime) -> str:
    return keys.add_provider_key(new, reason=WHY, now=now)


def test_old_and_new_overlap_until_the_moment_named(provider: Provider, now: datetime) -> None:
    secret = add(new_key(provider, now, end_others_at=now + HOUR), now)
    assert secret.startswith("whsec_")
    assert ProviderKey.objects.get(kid="k-2").secret == secret
    assert active_kids(now + timedelta(minutes=59)) == ["k-1", "k-2"]
    assert active_kids(now + HOUR + timedelta(seconds=1)) == ["k-2"]
    entry = AuditEntry.objects.get(action="providers.key.added")
    assert entry.details["others_ended"] == ["k-1"]
    assert (entry.actor_name, entry.details["through"]) == ("", "command line")
    assert secret not in str(entry.details)


def test_a_secret_that_was_given_is_not_handed_back(provider: Provider, now: datetime) -> None:
    assert add(new_key(provider, now, secret=OTHER_SECRET), now) == ""
    assert ProviderKey.objects.get(kid="k-2").secret == OTHER_SECRET


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"kid": "k-1"}, ProviderKeyStateError),
        ({"kid": "k 2"}, ProviderKeyStateError),
        ({"kid": "k\x00"}, ProviderKeyStateError),
        ({"kid": "k" * 33}, ProviderKeyStateError),
        ({"kid": ""}, ProviderKeyStateError),
        ({"secret": "whsec_short"}, InvalidSecretError),
        ({"secret": "no secret at all"}, InvalidSecretError),
        ({"secret": "\x00"}, InvalidSecretError),
        ({"secret": "é" * 60}, InvalidSecretError),
        ({"secret": "a" * 10_001}, InvalidSecretError),
        ({"secret": SECRET_TEXT}, InvalidSecretError),
        ({"provider_id": 10**9}, UnknownProviderError),
    ],
)
def test_what_would_not_work_is_refused(
    provider: Provider, now: datetime, changes: dict[str, object], error: type[DomainError]
) -> None:
    with pytest.raises(error):
        add(new_key(provider, now, **changes), now)
    assert ProviderKey.objects.count() == 1
    assert not AuditEntry.objects.filter(action__startswith="providers.key").exists()


def test_times_that_make_no_sense_are_refused(provider: Provider, now: datetime) -> None:
    for changes in (
        {"not_after": now},
        {"not_before": now + HOUR, "not_after": now + timedelta(minutes=30)},
        {"not_before": now + HOUR, "end_others_at": now},
        {"end_others_at": now - HOUR},
    ):
        with pytest.raises(ProviderKeyStateError):
            add(new_key(provider, now, **changes), now)
    with pytest.raises(ReasonRequiredError):
        keys.add_provider_key(new_key(provider, now), reason=" ", now=now)
    assert active_kids(now) == ["k-1"]


def test_a_key_ends_at_a_moment_to_come_and_not_in_the_past(
    provider: Provider, now: datetime
) -> None:
    key = ProviderKey.objects.get()
    user = make_user()
    with pytest.raises(ProviderKeyStateError):
        keys.end_provider_key(key_id=key.pk, until=now, acting_user=user, reason=WHY, now=now)
    keys.end_provider_key(key_id=key.pk, until=now + HOUR, acting_user=user, reason=WHY, now=now)
    assert active_kids(now) == ["k-1"]
    assert active_kids(now + HOUR + timedelta(seconds=1)) == []


def test_a_leaked_key_is_revoked_at_once_even_after_it_was_retired(
    provider: Provider, now: datetime
) -> None:
    key = ProviderKey.objects.get()
    user = make_user()
    keys.retire_provider_key(key_id=key.pk, acting_user=user, reason=WHY, now=now)
    keys.revoke_provider_key(key_id=key.pk, acting_user=user, reason="It leaked.", now=now + HOUR)
    key.refresh_from_db()
    assert (key.state, key.not_after) == ("revoked", now)
    assert active_kids(now) == []
    with pytest.raises(ProviderKeyStateError):
        keys.revoke_provider_key(key_id=key.pk, acting_user=user, reason=WHY, now=now)
    with pytest.raises(ProviderKeyStateError):
        keys.retire_provider_key(key_id=10**9, acting_user=user, reason=WHY, now=now)


def test_what_a_revoked_key_signs_is_refused(casino: Casino) -> None:
    body = casino.body(casino.event("e-1"))
    assert casino.inbound(body).key_id == "k-1"
    keys.revoke_provider_key(
        key_id=ProviderKey.objects.get().pk, acting_user=make_user(), reason=WHY, now=casino.now
    )
    with pytest.raises(UnauthenticatedError):
        casino.inbound(body)


@pytest.fixture
def casino(now: datetime) -> Casino:
    sync_roles(now=now)
    return open_casino()


def test_a_made_secret_is_shown_in_one_answer_only(client: Client, provider: Provider) -> None:
    client.force_login(make_user(roles=(Role.INTEGRATION_ENGINEER,)))
    url = reverse("admin:providers_providerkey_add") + f"?provider={provider.pk}"
    assert client.get(url).status_code == 200
    sent = {
        "provider": provider.pk,
        "purpose": "callbacks",
        "kid": "k-2",
        "secret": "",
        "reason": WHY,
    }
    answer = client.post(url, sent)
    proposed = ProviderKey.objects.get(kid="k-2")
    secret = proposed.secret
    assert proposed.state == "proposed"
    assert secret in answer.content.decode().replace("&#x2B;", "+")
    assert "no-store" in answer["Cache-Control"]
    again = client.post(url, sent)
    assert "has a key &#x27;k-2&#x27; already" in again.content.decode()
    assert secret not in again.content.decode()
    page = reverse(
        "admin:providers_providerkey_change", args=[ProviderKey.objects.get(kid="k-2").pk]
    )
    assert secret not in client.get(page).content.decode()
    assert ProviderKey.objects.count() == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"provider": "x"},
        {"provider": "99999999999999999999"},
        {"kid": "k\x00"},
        {"secret": "\x00"},
        {"not_before": "yesterday"},
        {"not_after": "2026-13-45T99:99"},
        {"not_before": "0001-01-01T00:00"},
        {"reason": ""},
    ],
)
def test_rubbish_in_the_form_is_refused_with_words(
    client: Client, provider: Provider, changes: dict[str, str]
) -> None:
    client.force_login(make_user(roles=(Role.INTEGRATION_ENGINEER,)))
    sent = {
        "provider": str(provider.pk),
        "purpose": "callbacks",
        "kid": "k-2",
        "secret": "",
        "reason": WHY,
        **changes,
    }
    answer = client.post(reverse("admin:providers_providerkey_add"), sent)
    assert answer.status_code == 200
    if "not_before" not in changes or changes["not_before"] == "yesterday":
        assert ProviderKey.objects.count() == 1


def test_only_an_engineer_adds_ends_or_revokes_keys(client: Client, provider: Provider) -> None:
    key = ProviderKey.objects.get()
    for role in (Role.AUDITOR, Role.FINANCE_ANALYST, Role.CS_AGENT):
        client.force_login(make_user(roles=(role,)))
        assert client.get(reverse("admin:providers_providerkey_add")).status_code == 403
        for name in ("end", "retire", "revoke"):
            url = reverse("admin:providers_providerkey_do", args=[key.pk, name])
            assert client.post(url, {"reason": WHY}).status_code == 403
    assert ProviderKey.objects.get().state == "active"


def test_a_key_shows_what_it_signed_last(client: Client, casino: Casino) -> None:
    casino.send_one(casino.event("e-1"))
    client.force_login(make_user(roles=(Role.INTEGRATION_ENGINEER,)))
    url = reverse("admin:providers_providerkey_change", args=[ProviderKey.objects.get().pk])
    text = client.get(url).content.decode()
    assert "Last deliveries signed with this key" in text
    assert "msg_1" in text
    assert "Revoke key" in text


def test_an_active_key_outside_its_time_is_not_called_active(provider: Provider) -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    key = ProviderKey.objects.get()
    key.not_before, key.not_after = now - HOUR, now + HOUR
    said = [key_standing(key, now + shift) for shift in (-2 * HOUR, HOUR * 0, HOUR)]
    words = ("Not yet valid", "Active", "Ended")
    assert [word in shown for word, shown in zip(words, said, strict=True)] == [True, True, True]
