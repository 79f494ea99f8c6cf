"""What the gateway knows of a provider: its profile, with the secrets it may verify with."""

from collections.abc import Sequence
from dataclasses import fields

from apps.providers.adapters.registry import adapter_for
from apps.providers.contracts import Policy, ProviderProfile, WebhookKey
from apps.providers.enums import KeyPurpose, KeyState, Permission, ProviderStage
from apps.providers.models import Provider, ProviderKey, ProviderPolicy

_FLAGS = tuple(flag.name for flag in fields(Policy))


def provider_profile(provider_code: str) -> ProviderProfile | None:
    """Return a provider's profile, or None for an unknown one.

    One that is switched off still proves who it is: money back of what it took must come in.
    """
    provider = (
        Provider.objects.select_related("policy", "id_scopes").filter(code=provider_code).first()
    )
    return None if provider is None else _profile(provider, [KeyState.ACTIVE])


def provider_profile_by_id(provider_id: int) -> ProviderProfile:
    """Return the profile of a provider that a stored row names, with every key.

    For what was authenticated when it was received: a key retired since then still explains it.
    One that nobody agreed to yet never verified anything.
    """
    provider = Provider.objects.select_related("policy", "id_scopes").get(pk=provider_id)
    return _profile(provider, [KeyState.ACTIVE, KeyState.RETIRED, KeyState.REVOKED])


def _profile(provider: Provider, key_states: Sequence[str]) -> ProviderProfile:
    adapter = adapter_for(provider.protocol)
    keys = ProviderKey.objects.filter(
        provider=provider, purpose=KeyPurpose.CALLBACKS, state__in=key_states
    ).order_by("pk")
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
                secret=adapter.read_secret(key.secret),
                not_before=key.not_before,
                not_after=key.not_after,
            )
            for key in keys
        ),
        wallet_model=provider.wallet_model,
        policy=_policy_of(provider),
        is_active=provider.is_active,
        is_live=provider.stage == ProviderStage.LIVE,
        are_ids_fixed=provider.stage == ProviderStage.LIVE and hasattr(provider, "id_scopes"),
    )


def _policy_of(provider: Provider) -> Policy:
    """Return the stored policy; a provider that has none yet is judged by its protocol's."""
    try:
        stored: ProviderPolicy = provider.policy
    except ProviderPolicy.DoesNotExist:
        return adapter_for(provider.protocol).default_policy
    return Policy(**{name: getattr(stored, name) for name in _FLAGS})


def takes_unasked_stakes(provider: Provider) -> bool:
    """Tell whether new stakes may come for which nobody asks what a launch asks."""
    is_asked = "stake_without_session" in adapter_for(provider.protocol).policy_flags
    return is_asked and _policy_of(provider).stake_without_session == Permission.ALLOW
