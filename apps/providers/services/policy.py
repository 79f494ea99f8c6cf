"""A provider's policy: it starts with what its protocol says, and staff change it from there."""

from dataclasses import asdict

from django.db import transaction

from apps.providers.adapters.registry import adapter_for
from apps.providers.models import Provider, ProviderPolicy


@transaction.atomic
def give_default_policy(provider: Provider) -> ProviderPolicy:
    """Return the provider's policy; one that has none gets the defaults of its protocol."""
    policy, _ = ProviderPolicy.objects.get_or_create(
        provider=provider, defaults=asdict(adapter_for(provider.protocol).default_policy)
    )
    return policy
