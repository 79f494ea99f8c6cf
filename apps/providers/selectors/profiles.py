"""What the gateway knows of a provider: its profile, with the secrets it may verify with."""

from collections.abc import Sequence

from apps.providers.adapters.native.signing import decode_secret
from apps.providers.contracts import ProviderProfile, WebhookKey
from apps.providers.enums import KeyState
from apps.providers.models import Provider, ProviderKey


def provider_profile(provider_code: str) -> ProviderProfile | None:
    """Return an active provider's profile, or None for an unknown or inactive one."""
    provider = Provider.objects.filter(code=provider_code, is_active=True).first()
    return None if provider is None else _profile(provider, [KeyState.ACTIVE])


def provider_profile_by_id(provider_id: int) -> ProviderProfile:
    """Return the profile of a provider that a stored row names, active or not, with every key.

    For what was authenticated when it was received: a key retired since then still explains it.
    """
    return _profile(Provider.objects.get(pk=provider_id), KeyState.values)


def _profile(provider: Provider, key_states: Sequence[str]) -> ProviderProfile:
    keys = ProviderKey.objects.filter(provider=provider, state__in=key_states).order_by("pk")
    return ProviderProfile(
        id=provider.pk,
        code=provider.code,
        protocol=provider.protocol,
        past_seconds=provider.past_seconds,
        future_seconds=provider.future_seconds,
        envelope_tolerance_seconds=provider.envelope_tolerance_seconds,
        keys=tuple(
            WebhookKey(
                kid=key.kid,
                secret=decode_secret(key.secret),
                not_before=key.not_before,
                not_after=key.not_after,
            )
            for key in keys
        ),
    )
