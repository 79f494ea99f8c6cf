"""What other apps may read of providers."""

from apps.providers.selectors.catalogue import (
    games_by_code,
    launch_facts,
    provider_by_code,
    provider_choices,
    signing_secrets,
)

__all__ = [
    "games_by_code",
    "launch_facts",
    "provider_by_code",
    "provider_choices",
    "signing_secrets",
]
