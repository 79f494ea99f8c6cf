"""What the gateway knows of a provider: its profile, with the secrets it may verify with."""

from apps.providers.adapters.native.signing import decode_secret
from apps.providers.contracts import ProviderProfile, WebhookKey
from apps.providers.enums import KeyState
from apps.providers.models import Provider, ProviderKey


def provider_profile(provider_code: str) -> ProviderProfile | None:
    """Return an active provider's profile, or None for an unknown or inactive one."""
    provider = Provider.objects.filter(code=provider_code, is_active=True).first()
    return None if provider is None else _profile(provider)


def provider_profile_by_id(provider_id: int) -> ProviderProfile:
    """Return the profile of a provider that a stored row names, active or not."""
    return _profile(Provider.objects.get(pk=provider_id))


def _profile(provider: Provider) -> ProviderProfile:
    keys = ProviderKey.objects.filter(provider=provider, state=KeyState.ACTIVE).order_by("pk")
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
