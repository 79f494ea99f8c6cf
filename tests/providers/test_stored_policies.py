"""A provider whose policy was never stored keeps the one it was judged by."""

from dataclasses import replace

import pytest

from apps.providers.adapters.registry import adapter_for
from apps.providers.enums import Permission, Protocol
from apps.providers.models import Provider
from apps.providers.selectors.profiles import provider_profile
from tests.factories import make_provider
from tests.older_schema import schema_at


@pytest.mark.django_db(transaction=True)
def test_who_had_no_policy_may_do_what_only_new_providers_are_refused() -> None:
    for protocol in Protocol.values:
        make_provider(protocol)
        Provider.objects.filter(code=protocol).update(protocol=protocol)
    with schema_at("providers", "0030_desk_is_told"):
        pass
    for protocol in Protocol.values:
        profile = provider_profile(protocol)
        assert profile is not None
        defaults = adapter_for(protocol).default_policy
        assert profile.policy == replace(
            defaults, game_change=Permission.ALLOW, stake_without_session=Permission.ALLOW
        )
