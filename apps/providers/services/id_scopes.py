"""What a provider's ids mean: fixed by its first event, since idempotency keys are made of it.

Whether it may be released in rehearsal, with nothing open, is the gateway's question.
"""

from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, transaction

from apps.core.history import note_edit
from apps.providers.contracts import ProviderProfile
from apps.providers.errors import IdScopesMovedError, UnknownProviderError
from apps.providers.models import IdScopes, Provider, ProviderPolicy
from apps.providers.selectors.id_scopes import Scopes
from apps.providers.services.policy import give_default_policy

# Batches of one provider don't wait for each other; a change of its scopes waits for them all, and
# they for it.
_SHARE = "SELECT protocol FROM providers_provider WHERE id = %s FOR SHARE"


@transaction.atomic
def fix_id_scopes(profile: ProviderProfile, *, now: datetime) -> None:
    """Fix what a provider's ids mean as ``profile`` reads them; part of storing its events.

    Once they are fixed it only makes sure of it: they stay so until the transaction ends.

    Raises:
        IdScopesMovedError: the messages were read by other scopes than those in force.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SHARE, [profile.id])
        (protocol,) = cursor.fetchone() or ("",)
    policy = give_default_policy(Provider.objects.get(pk=profile.id), now=now)
    read_by = (profile.protocol, profile.policy.transaction_scope, profile.policy.round_scope)
    if read_by != (protocol, policy.transaction_scope, policy.round_scope):
        raise IdScopesMovedError(f"{profile.code} had its ids read anew in this moment.")
    IdScopes.objects.bulk_create(
        [
            IdScopes(
                provider_id=profile.id,
                protocol=protocol,
                transaction_scope=policy.transaction_scope,
                round_scope=policy.round_scope,
                fixed_at=now,
            )
        ],
        ignore_conflicts=True,
    )


def lock_id_scopes(provider_id: int) -> None:
    """Let nobody store an event of a provider anew before the caller's transaction ends.

    Raises:
        UnknownProviderError: there is no such provider.
    """
    if not Provider.objects.select_for_update(no_key=True).filter(pk=provider_id):
        raise UnknownProviderError(str(provider_id))


@transaction.atomic
def save_id_scopes(
    provider_id: int,
    scopes: Scopes,
    *,
    acting_user: AbstractBaseUser | None,
    reason: str,
    now: datetime,
) -> None:
    """Write other scopes; the caller holds ``lock_id_scopes`` and asked its rules."""
    IdScopes.objects.filter(provider_id=provider_id).delete()
    policy = ProviderPolicy.objects.get(provider_id=provider_id)
    policy.transaction_scope = scopes.transaction_scope
    policy.round_scope = scopes.round_scope
    note_edit(policy, acting_user=acting_user, reason=reason, now=now)
    policy.save(update_fields=["transaction_scope", "round_scope"])
