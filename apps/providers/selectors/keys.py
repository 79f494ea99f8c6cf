"""How webhook keys are read, without their secrets."""

from apps.providers.models import ProviderKey


def key_choices() -> list[tuple[str, str]]:
    """Return the names of all keys, for a filter."""
    kids = ProviderKey.objects.order_by("kid").values_list("kid", flat=True).distinct()
    return [(kid, kid) for kid in kids]


def keys_of(provider_id: int) -> list[ProviderKey]:
    """Return a provider's keys, the one that starts last on top."""
    keys = ProviderKey.objects.filter(provider_id=provider_id).defer("secret")
    return list(keys.order_by("-not_before", "-pk"))
