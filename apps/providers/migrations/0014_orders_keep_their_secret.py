import base64

from django.db import migrations
from django.utils import timezone

_SHORTEST, _LONGEST = 24, 64


def _secret_for_orders(protocol: str, stored: str) -> str:
    """Return what signs orders exactly as before; "" where that proved nothing or can't be kept."""
    if protocol == "native":
        return stored
    if protocol == "hub88":
        return ""  # a public key, which everybody may know
    secret = stored.encode()
    if not _SHORTEST <= len(secret) <= _LONGEST:
        return ""
    return "whsec_" + base64.b64encode(secret).decode("ascii")


def keep(apps, schema_editor):
    Key = apps.get_model("providers", "ProviderKey")
    now = timezone.now()
    signing = Key.objects.filter(purpose="callbacks", state="active").exclude(
        provider__transfer_url=""
    )
    for key in signing.select_related("provider").order_by("pk"):
        secret = _secret_for_orders(key.provider.protocol, key.secret)
        if secret:
            Key.objects.get_or_create(
                provider=key.provider,
                kid=f"orders-{key.pk}",
                defaults={
                    "secret": secret,
                    "purpose": "orders",
                    "not_before": key.not_before,
                    "not_after": key.not_after,
                    "created_at": now,
                },
            )


def drop(apps, schema_editor):
    Key = apps.get_model("providers", "ProviderKey")
    # Before this migration no key had this purpose, and callbacks must not be verified with one.
    Key.objects.filter(purpose="orders").delete()


class Migration(migrations.Migration):
    """Providers that take transfers go on with the secret that signed their orders until now."""

    dependencies = [("providers", "0013_keys_have_one_purpose")]

    operations = [migrations.RunPython(keep, drop)]
