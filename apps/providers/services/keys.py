"""Webhook keys: ended by a person, with a reason."""

from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import transaction

from apps.core.errors import ReasonRequiredError
from apps.core.services import record_audit
from apps.providers.enums import KeyState
from apps.providers.errors import ProviderKeyStateError
from apps.providers.models import ProviderKey


@transaction.atomic
def retire_provider_key(
    *, key_id: int, acting_user: AbstractBaseUser | AnonymousUser, reason: str, now: datetime
) -> None:
    """End a webhook key: what is signed with it from now on is refused.

    Raises:
        ReasonRequiredError: nobody said why.
        ProviderKeyStateError: there is no such key, or it is not active.
    """
    if not reason.strip():
        raise ReasonRequiredError
    key = ProviderKey.objects.select_for_update().filter(pk=key_id).first()
    if key is None or key.state != KeyState.ACTIVE:
        raise ProviderKeyStateError(f"Webhook key {key_id} is not active.")
    key.state = KeyState.RETIRED
    if key.not_before < now:
        key.not_after = now
    key.save(update_fields=["state", "not_after"])
    record_audit(
        action="providers.key.retired",
        actor=acting_user,
        subject=f"providers.providerkey:{key.pk}",
        details={"kid": key.kid},
        reason=reason.strip(),
        now=now,
    )
