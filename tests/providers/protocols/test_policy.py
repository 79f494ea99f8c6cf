"""A provider's policy: its protocol's defaults, held by the database, read by the gateway."""

from dataclasses import asdict, fields
from datetime import datetime

import pytest
from django.db import IntegrityError, transaction

from apps.providers.adapters.registry import ADAPTERS, adapter_for
from apps.providers.contracts import Policy, ProviderRecord
from apps.providers.models import Provider, ProviderPolicy
from apps.providers.selectors.profiles import provider_profile, provider_profile_by_id
from apps.providers.services.catalogue import save_provider
from apps.providers.services.policy import give_default_policy
from tests.factories import make_provider
from tests.providers.protocols.messages import meaning_of

pytestmark = pytest.mark.django_db

FLAGS = [flag.name for flag in fields(Policy)]
SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0"


def _record(protocol: str) -> ProviderRecord:
    return ProviderRecord(
        code="new",
        name="New",
        protocol=protocol,
        wallet_model="hold",
        webhook_secret=SECRET,
        reporting_timezone="UTC",
        past_seconds=172_800,
        future_seconds=300,
        retention_months=12,
        settlement_hours=48,
        export_url="",
        payload_url="",
        export_token="",
    )


def test_a_new_provider_starts_with_the_policy_of_its_protocol(now: datetime) -> None:
    saved = save_provider(_record("native"), now=now)
    profile = provider_profile_by_id(saved.provider_id)
    assert profile.policy == adapter_for("native").default_policy
    assert ProviderPolicy.objects.filter(provider_id=saved.provider_id).count() == 1


def test_loading_a_provider_again_keeps_the_policy_that_staff_set(now: datetime) -> None:
    saved = save_provider(_record("native"), now=now)
    ProviderPolicy.objects.update(late_stake="refuse")
    save_provider(_record("native"), now=now)
    assert provider_profile_by_id(saved.provider_id).policy == Policy(late_stake="refuse")


def test_a_provider_without_a_stored_policy_is_judged_by_its_protocols() -> None:
    make_provider("bare")
    profile = provider_profile("bare")
    assert profile is not None
    assert profile.policy == Policy()


def test_the_profile_states_the_wallet_model() -> None:
    make_provider("funded")
    Provider.objects.update(wallet_model="sub_wallet")
    profile = provider_profile("funded")
    assert profile is not None
    assert profile.wallet_model == "sub_wallet"


@pytest.mark.parametrize("protocol", ADAPTERS)
def test_each_protocols_defaults_can_be_stored(protocol: str, now: datetime) -> None:
    provider = make_provider("stored")
    Provider.objects.update(protocol=protocol)
    provider.refresh_from_db()
    give_default_policy(provider, now=now)
    stored = ProviderPolicy.objects.values(*FLAGS).get()
    assert stored == asdict(adapter_for(protocol).default_policy)


@pytest.mark.parametrize("flag", FLAGS)
def test_the_database_refuses_a_flag_that_nobody_knows(flag: str, now: datetime) -> None:
    give_default_policy(make_provider("guarded"), now=now)
    with (
        pytest.raises(IntegrityError, match=f"providers_policy_{flag}_is_known"),
        transaction.atomic(),
    ):
        ProviderPolicy.objects.update(**{flag: "whatever"})
    assert getattr(ProviderPolicy.objects.get(), flag) == getattr(Policy(), flag)


@pytest.mark.parametrize("flag", FLAGS)
def test_each_flag_tells_people_what_it_means(flag: str) -> None:
    meaning = meaning_of(flag)
    assert len(meaning) > 40
    assert meaning.endswith(".")
