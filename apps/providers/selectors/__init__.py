"""What other apps may read of providers."""

from apps.providers.selectors.catalogue import (
    active_providers,
    all_providers,
    games_by_code,
    provider_by_code,
    provider_choices,
    provider_codes,
    signing_secrets,
)

__all__ = [
    "active_providers",
    "all_providers",
    "games_by_code",
    "provider_by_code",
    "provider_choices",
    "provider_codes",
    "signing_secrets",
]
