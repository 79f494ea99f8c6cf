"""What a provider's ids mean, and since when its stored events follow it."""

from dataclasses import dataclass
from datetime import datetime

from apps.providers.adapters.registry import ADAPTERS
from apps.providers.enums import ProviderStage
from apps.providers.models import IdScopes, Provider, ProviderPolicy


@dataclass(frozen=True, slots=True)
class Scopes:
    """Where a provider's transaction ids and round ids are unique."""

    transaction_scope: str
    round_scope: str


@dataclass(frozen=True, slots=True)
class ScopeSetting:
    """A provider's scopes, and since when its stored events follow them.

    Not every protocol asks for them: where they are not asked, its text says what its ids mean.
    """

    provider_id: int
    provider_code: str
    is_asked: bool
    is_live: bool
    scopes: Scopes
    fixed_at: datetime | None

    @property
    def is_fixed_for_ever(self) -> bool:
        return self.is_live and self.fixed_at is not None


def scope_setting(policy_id: int) -> ScopeSetting:
    """Return what the ids mean of the provider that a policy's row belongs to."""
    policy = ProviderPolicy.objects.select_related("provider").get(pk=policy_id)
    fixed = IdScopes.objects.filter(provider=policy.provider).first()
    return ScopeSetting(
        provider_id=policy.provider.pk,
        provider_code=policy.provider.code,
        is_asked="transaction_scope" in ADAPTERS[policy.provider.protocol].policy_flags,
        is_live=policy.provider.stage == ProviderStage.LIVE,
        scopes=Scopes(policy.transaction_scope, policy.round_scope),
        fixed_at=fixed.fixed_at if fixed else None,
    )


def providers_without_closing() -> frozenset[int]:
    """Return the ids of providers whose messages never say that a round is over."""
    silent = [protocol for protocol, adapter in ADAPTERS.items() if not adapter.closes_rounds]
    return frozenset(Provider.objects.filter(protocol__in=silent).values_list("pk", flat=True))
