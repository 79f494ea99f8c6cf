"""The policy's page says what each flag means, and every change has a reason."""

from dataclasses import fields
from datetime import datetime
from html import unescape

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from apps.core.models import AuditEntry
from apps.onboarding.services.checklist import open_onboarding
from apps.providers.adapters.registry import ADAPTERS
from apps.providers.admin.policy import UNASKED
from apps.providers.contracts import Policy
from apps.providers.enums import Permission, Protocol
from apps.providers.models import Provider, ProviderPolicy
from apps.providers.services.policy import give_default_policy
from apps.staff.enums import Role
from apps.staff.services import sync_roles
from tests.factories import make_provider, make_user
from tests.providers.protocols.messages import meaning_of

pytestmark = pytest.mark.django_db

FLAGS = [flag.name for flag in fields(Policy)]
SCOPES = {"transaction_scope", "round_scope"}
"""These have an action of their own: events are found by them."""


@pytest.fixture
def policy(now: datetime) -> ProviderPolicy:
    sync_roles(now=now)
    provider = make_provider("aurora")
    provider.protocol = Protocol.HUB88
    provider.save(update_fields=["protocol"])
    return give_default_policy(provider, now=now)


def _enter(client: Client, role: Role) -> None:
    client.force_login(make_user(roles=(role,)))


def _page(policy: ProviderPolicy) -> str:
    return reverse("admin:providers_providerpolicy_change", args=[policy.pk])


@pytest.mark.parametrize("protocol", ADAPTERS)
def test_the_page_asks_for_each_flag_that_decides_and_names_the_others(
    client: Client, policy: ProviderPolicy, protocol: str
) -> None:
    Provider.objects.update(protocol=protocol)
    _enter(client, Role.INTEGRATION_ENGINEER)
    text = unescape(client.get(_page(policy)).content.decode())
    provider = reverse("admin:providers_provider_change", args=[policy.provider_id])
    on_provider = unescape(client.get(provider).content.decode())
    left = [flag for flag in FLAGS if flag not in ADAPTERS[protocol].policy_flags]
    for flag in FLAGS:
        assert (f'name="{flag}"' in text) == (flag not in {*SCOPES, *left})
        assert (meaning_of(flag) in text) == (flag not in left)
    assert f"{', '.join(left).replace('_', ' ')}. No setting of these" in text
    assert on_provider.count("The protocol decides") == len(left)


@pytest.mark.parametrize(
    ("protocol", "setting", "is_said"),
    [
        (Protocol.NATIVE, Permission.ALLOW, True),
        (Protocol.NATIVE, Permission.REFUSE, False),
        (Protocol.HUB88, Permission.ALLOW, False),
    ],
)
def test_a_provider_whose_stakes_nobody_asks_about_is_seen_as_one(
    client: Client,
    policy: ProviderPolicy,
    now: datetime,
    protocol: Protocol,
    setting: Permission,
    is_said: bool,
) -> None:
    Provider.objects.update(protocol=protocol)
    ProviderPolicy.objects.update(stake_without_session=setting)
    onboarding = open_onboarding("aurora", now=now)
    _enter(client, Role.AUDITOR)
    for page, words in (
        (f"providers_provider_change {policy.provider_id}", UNASKED),
        (f"onboarding_onboarding_change {onboarding.pk}", "May come without a session"),
    ):
        name, pk = page.split()
        text = unescape(client.get(reverse(f"admin:{name}", args=[pk])).content.decode())
        assert (words in text) == is_said


def test_a_change_needs_a_reason_and_is_kept(client: Client, policy: ProviderPolicy) -> None:
    _enter(client, Role.INTEGRATION_ENGINEER)
    form = {flag: getattr(policy, flag) for flag in FLAGS} | {"late_stake": "ack"}
    client.post(_page(policy), form)
    policy.refresh_from_db()
    assert policy.late_stake == "refuse"
    client.post(_page(policy), form | {"change_reason": "Their contract, annex 2."})
    policy.refresh_from_db()
    assert policy.late_stake == "ack"
    entry = AuditEntry.objects.get(action="providers.providerpolicy.changed")
    assert (entry.reason, entry.details) == ("Their contract, annex 2.", {"fields": ["late_stake"]})
    assert ProviderPolicy.history.filter(late_stake="ack").count() == 1


def test_a_page_for_reading_changes_nothing(client: Client, policy: ProviderPolicy) -> None:
    _enter(client, Role.AUDITOR)
    assert client.get(_page(policy)).status_code == 200
    form = {flag: getattr(policy, flag) for flag in FLAGS} | {"late_stake": "ack"}
    answer = client.post(_page(policy), form | {"change_reason": "Just because."})
    assert answer.status_code == 403
    policy.refresh_from_db()
    assert policy.late_stake == "refuse"


def test_the_providers_page_leads_to_its_policy(client: Client, policy: ProviderPolicy) -> None:
    _enter(client, Role.AUDITOR)
    provider = reverse("admin:providers_provider_change", args=[policy.provider_id])
    assert _page(policy) in client.get(provider).content.decode()
    listing = client.get(reverse("admin:providers_providerpolicy_changelist") + "?q=aurora")
    assert listing.status_code == 200


def test_the_documents_say_of_each_flag_what_it_decides() -> None:
    told = (settings.BASE_DIR / "docs" / "protocols.md").read_text()
    table = told.partition("### Every difference")[2]
    for flag in FLAGS:
        assert f"`{flag}`" in table
