"""How keys are read; the secrets of those that sign only by who signs."""

from datetime import datetime

from apps.providers.adapters.native.signing import decode_secret
from apps.providers.contracts import WebhookKey
from apps.providers.enums import KeyPurpose, KeyState
from apps.providers.models import ProviderKey


def key_choices() -> list[tuple[str, str]]:
    """Return the names of all keys, for a filter."""
    kids = ProviderKey.objects.order_by("kid").values_list("kid", flat=True).distinct()
    return [(kid, kid) for kid in kids]


def keys_of(provider_id: int) -> list[ProviderKey]:
    """Return the keys a provider's callbacks are verified with, the one that starts last on top."""
    keys = ProviderKey.objects.filter(provider_id=provider_id, purpose=KeyPurpose.CALLBACKS)
    return list(keys.defer("secret").order_by("-not_before", "-pk"))


def order_keys(provider_id: int, *, now: datetime) -> list[WebhookKey]:
    """Return the keys that sign what we ask of a provider's wallet at a moment, the oldest first.

    Two at once while one follows the other: an order carries a signature of each.
    """
    keys = ProviderKey.objects.filter(
        provider_id=provider_id, purpose=KeyPurpose.ORDERS, state=KeyState.ACTIVE
    )
    found = [
        WebhookKey(key.kid, decode_secret(key.secret), key.not_before, key.not_after)
        for key in keys.order_by("pk")
    ]
    return [key for key in found if key.is_active(now)]
