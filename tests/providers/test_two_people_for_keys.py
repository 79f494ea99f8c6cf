"""A new key and a new address: one person asks, another agrees, and until then nothing changes."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from apps.core.models import AuditEntry
from apps.providers.contracts import NewKey
from apps.providers.errors import (
    InvalidAddressError,
    ProviderKeyStateError,
    SameAddressesError,
    UnknownProviderError,
)
from apps.providers.models import Provider, ProviderKey
from apps.providers.selectors.profiles import provider_profile, provider_profile_by_id
from apps.providers.services import key_proposals, keys
from apps.providers.services.addresses import Addresses, request_addresses
from apps.staff.enums import Role
from apps.staff.errors import ApprovalVoidError, NotAllowedToDecideError, SelfApprovalError
from apps.staff.models import Approval
from apps.staff.services import approve, reject, sync_roles
from tests.factories import make_provider, make_user
from tests.forms import as_shown
from tests.gateway.builders import give_key

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
WHY = "The yearly change of keys."
WALLET = Addresses("", "", "https://wallet.example/transfers")


@pytest.fixture
def provider(now: datetime) -> Provider:
    sync_roles(now=now)
    provider = make_provider("aurora")
    give_key(provider)
    return provider


def propose(provider: Provider, now: datetime, **changes: Any) -> tuple[Approval, Any]:
    values: dict[str, Any] = {
        "provider_id": provider.pk,
        "kid": "k-2",
        "secret": "",
        "not_before": now,
        "not_after": None,
        "end_others_at": None,
        **changes,
    }
    asker = make_user(roles=(Role.INTEGRATION_ENGINEER,))
    made = key_proposals.propose_provider_key(
        NewKey(**values), acting_user=asker, reason=WHY, now=now
    )
    return Approval.objects.get(pk=made.approval_id), asker


def active(now: datetime) -> list[str]:
    profile = provider_profile("aurora")
    assert profile is not None
    return [key.kid for key in profile.keys if key.is_active(now)]


def agree(approval: Approval, now: datetime, role: Role = Role.COMPLIANCE_OFFICER) -> None:
    approve(approval_id=approval.pk, user=make_user(roles=(role,)), reason="Seen.", now=now)


def test_a_proposed_key_verifies_only_once_somebody_else_agreed(
    provider: Provider, now: datetime
) -> None:
    approval, asker = propose(provider, now, end_others_at=now + 2 * HOUR)
    assert active(now) == ["k-1"]
    assert [key.kid for key in provider_profile_by_id(provider.pk).keys] == ["k-1"]
    with pytest.raises(SelfApprovalError):
        approve(approval_id=approval.pk, user=asker, reason="Mine.", now=now)
    for role in (Role.FINANCE_ANALYST, Role.AUDITOR, Role.CS_SUPERVISOR):
        with pytest.raises(NotAllowedToDecideError):
            agree(approval, now, role)
    assert active(now) == ["k-1"]
    agree(approval, now + HOUR)
    assert active(now + HOUR) == ["k-1", "k-2"]
    assert active(now + 2 * HOUR + timedelta(seconds=1)) == ["k-2"]
    key = ProviderKey.objects.get(kid="k-2")
    assert (key.added_by_id, key.approval_id) == (asker.pk, approval.pk)
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert [a for a in actions if a.startswith("providers.")] == [
        "providers.key.proposed",
        "providers.key.activated",
    ]


def test_the_secret_is_in_no_approval_and_no_audit_entry(provider: Provider, now: datetime) -> None:
    approval, _ = propose(provider, now)
    secret = ProviderKey.objects.get(kid="k-2").secret
    said = f"{approval.payload} {list(AuditEntry.objects.values_list('details', flat=True))}"
    assert secret not in said
    assert len(approval.payload["secret_sha256"]) == 64


def test_a_key_withdrawn_or_changed_meanwhile_is_never_activated(
    provider: Provider, now: datetime
) -> None:
    first, asker = propose(provider, now)
    keys.retire_provider_key(
        key_id=ProviderKey.objects.get(kid="k-2").pk, acting_user=asker, reason=WHY, now=now
    )
    second, _ = propose(provider, now, kid="k-3")
    other = ProviderKey.objects.get(kid="k-3")
    other.secret = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0"
    other.save()
    for approval in (first, second):
        with pytest.raises(ApprovalVoidError):
            agree(approval, now)
    assert active(now) == ["k-1"]


def test_a_key_that_would_have_ended_by_now_stays_proposed(
    provider: Provider, now: datetime
) -> None:
    approval, _ = propose(provider, now, not_after=now + HOUR)
    with pytest.raises(ProviderKeyStateError):
        agree(approval, now + 2 * HOUR)
    approval.refresh_from_db()
    assert approval.state == "pending"
    other = make_user(roles=(Role.COMPLIANCE_OFFICER,))
    reject(approval_id=approval.pk, user=other, reason="Too late.", now=now)
    assert ProviderKey.objects.get(kid="k-2").state == "proposed"


def test_the_database_refuses_a_persons_key_in_use_without_an_approval(
    provider: Provider, now: datetime
) -> None:
    propose(provider, now)
    with (
        pytest.raises(IntegrityError, match="providers_key_in_use_agreed_by_two"),
        transaction.atomic(),
    ):
        ProviderKey.objects.filter(kid="k-2").update(state="active")


def test_addresses_change_when_two_people_agreed_and_not_before(
    provider: Provider, now: datetime
) -> None:
    asker = make_user(roles=(Role.INTEGRATION_ENGINEER,))
    ask: dict[str, Any] = {"acting_user": asker, "reason": "They moved.", "now": now}
    approval_id = request_addresses(provider.pk, WALLET, **ask)
    provider.refresh_from_db()
    assert provider.transfer_url == ""
    with pytest.raises(SelfApprovalError):
        approve(approval_id=approval_id, user=asker, reason="Mine.", now=now)
    agree(Approval.objects.get(pk=approval_id), now)
    provider.refresh_from_db()
    assert provider.transfer_url == WALLET.transfer_url
    entry = AuditEntry.objects.get(action="providers.addresses.changed")
    assert entry.details["to"]["transfer_url"] == WALLET.transfer_url
    assert provider.history.latest("history_id").history_change_reason == f"Approval {approval_id}"


def test_addresses_that_are_none_or_the_same_are_not_asked_for(
    provider: Provider, now: datetime
) -> None:
    ask: dict[str, Any] = {"acting_user": make_user(), "reason": "They moved.", "now": now}
    for wrong in ("file:///etc/passwd", "wallet.example", "javascript:alert(1)"):
        with pytest.raises(InvalidAddressError):
            request_addresses(provider.pk, Addresses("", "", wrong), **ask)
    with pytest.raises(SameAddressesError):
        request_addresses(provider.pk, Addresses("", "", ""), **ask)
    with pytest.raises(UnknownProviderError):
        request_addresses(0, WALLET, **ask)
    assert not Approval.objects.exists()


def test_addresses_that_changed_meanwhile_void_the_approval(
    provider: Provider, now: datetime
) -> None:
    ask: dict[str, Any] = {"acting_user": make_user(), "reason": "They moved.", "now": now}
    approval = Approval.objects.get(pk=request_addresses(provider.pk, WALLET, **ask))
    Provider.objects.update(transfer_url="https://elsewhere.example")
    with pytest.raises(ApprovalVoidError):
        agree(approval, now)
    provider.refresh_from_db()
    assert provider.transfer_url == "https://elsewhere.example"


def test_the_providers_form_does_not_take_addresses_but_its_action_asks(
    client: Client, provider: Provider
) -> None:
    client.force_login(make_user(roles=(Role.INTEGRATION_ENGINEER,)))
    page = reverse("admin:providers_provider_change", args=[provider.pk])
    sent = {
        "name": "Aurora",
        "reporting_timezone": "UTC",
        "past_seconds": "172800",
        "future_seconds": "300",
        "envelope_tolerance_seconds": "300",
        "retention_months": "12",
        "settlement_hours": "48",
        "is_active": "on",
        "transfer_url": WALLET.transfer_url,
        "change_reason": "They moved.",
    }
    assert client.post(page, sent).status_code == 302
    provider.refresh_from_db()
    assert provider.transfer_url == ""
    assert "Change addresses" in client.get(page).content.decode()
    action = reverse("admin:providers_provider_do", args=[provider.pk, "addresses"])
    client.post(action, {"transfer_url": WALLET.transfer_url, "reason": "They moved."})
    assert Approval.objects.get().payload["to"]["transfer_url"] == WALLET.transfer_url


def test_who_asks_for_one_address_leaves_the_others_as_they_are(
    client: Client, provider: Provider
) -> None:
    provider.export_url, provider.payload_url = "https://a.example/log", "https://a.example/rounds"
    provider.save(update_fields=["export_url", "payload_url"])
    client.force_login(make_user(roles=(Role.INTEGRATION_ENGINEER,)))
    action = reverse("admin:providers_provider_do", args=[provider.pk, "addresses"])
    sent = as_shown(client.get(action))
    client.post(action, {**sent, "export_url": "https://b.example/log", "reason": "It moved."})
    assert Approval.objects.get().payload["to"] == {
        "export_url": "https://b.example/log",
        "payload_url": "https://a.example/rounds",
        "transfer_url": "",
    }
