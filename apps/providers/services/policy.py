"""A provider's policy: it starts with what its protocol says, and staff change it from there."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from apps.core.history import find_or_add, note_edit
from apps.providers.adapters.registry import adapter_for
from apps.providers.errors import UnknownProviderError
from apps.providers.models import Provider, ProviderPolicy


@transaction.atomic
def give_default_policy(provider: Provider, *, now: datetime) -> ProviderPolicy:
    """Return the provider's policy; one that has none gets the defaults of its protocol."""
    defaults = asdict(adapter_for(provider.protocol).default_policy)
    policy, _ = find_or_add(
        ProviderPolicy.objects.filter(provider=provider),
        ProviderPolicy(provider=provider, **defaults),
        reason="What its protocol says.",
        now=now,
    )
    return policy


@transaction.atomic
def demand_policy(
    provider_code: str, flags: Mapping[str, str], *, reason: str, now: datetime
) -> None:
    """Set what a provider's own text decides beside its protocol's; for a provider just added.

    Raises:
        UnknownProviderError: no provider carries this code.
    """
    provider = Provider.objects.filter(code=provider_code).first()
    if provider is None:
        raise UnknownProviderError(provider_code)
    policy = give_default_policy(provider, now=now)
    differing = [name for name, value in flags.items() if getattr(policy, name) != value]
    if differing:
        for name in differing:
            setattr(policy, name, flags[name])
        note_edit(policy, acting_user=None, reason=reason, now=now)
        policy.save(update_fields=differing)
