"""Which wallet model a provider is played with. Whether it may change is the gateway's question."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, transaction

from apps.core.batches import Cursor
from apps.core.history import note_edit
from apps.providers.enums import ProviderStage, WalletModel
from apps.providers.errors import UnknownProviderError
from apps.providers.models import Provider

# Waits for a change of the row in flight and lets none start before this transaction ends; other
# readers, and rows that refer to the provider, don't wait.
_SHARE = """
SELECT id, code, wallet_model, transfer_url, is_active, stage = 'live'
FROM providers_provider WHERE code = %s FOR SHARE
"""

# The weakest lock that a change waits for, and the one that storing a row of the provider's takes
# anyway: batches wait neither for each other nor for people who edit the provider.
_PIN_OF_SEVERAL = """
SELECT id, wallet_model FROM providers_provider WHERE id = ANY(%s) FOR KEY SHARE
"""


@dataclass(frozen=True, slots=True)
class WalletSetting:
    """How a provider is played with, where its transfers are asked for, and who may play there.

    ``is_active``: it is not switched off. ``is_live``: real players may play there.
    """

    provider_id: int
    provider_code: str
    wallet_model: str
    transfer_url: str
    is_active: bool
    is_live: bool


def pin_wallet_model(provider_code: str) -> WalletSetting:
    """Return a provider's wallet setting, which can't change before the caller's transaction ends.

    Raises:
        UnknownProviderError: no provider carries this code.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SHARE, [provider_code])
        row = cursor.fetchone()
    if row is None:
        raise UnknownProviderError(provider_code)
    return WalletSetting(*row)


def pin_wallet_models(cursor: Cursor, provider_ids: Iterable[int]) -> dict[int, str]:
    """Return wallet models by provider; none changes before the cursor's transaction ends."""
    cursor.execute(_PIN_OF_SEVERAL, [sorted(set(provider_ids))])
    return dict(cursor.fetchall())


@transaction.atomic
def lock_wallet_model(provider_code: str) -> WalletSetting:
    """Lock a provider against whoever pins its wallet model, and return it.

    Raises:
        UnknownProviderError: no provider carries this code.
    """
    locked = Provider.objects.select_for_update().filter(code=provider_code).first()
    if locked is None:
        raise UnknownProviderError(provider_code)
    return WalletSetting(
        locked.pk,
        locked.code,
        locked.wallet_model,
        locked.transfer_url,
        locked.is_active,
        locked.stage == ProviderStage.LIVE,
    )


@transaction.atomic
def save_wallet_model(
    provider_code: str,
    model: WalletModel,
    *,
    acting_user: AbstractBaseUser | None,
    reason: str,
    now: datetime,
) -> None:
    """Write another wallet model; the caller holds ``lock_wallet_model`` and asked its rules."""
    provider = Provider.objects.get(code=provider_code)
    provider.wallet_model = model
    note_edit(provider, acting_user=acting_user, reason=reason, now=now)
    provider.save(update_fields=["wallet_model"])
