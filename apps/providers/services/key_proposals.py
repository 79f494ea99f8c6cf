"""A person's new key verifies and signs nothing until a second person has agreed to it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from apps.providers.contracts import NewKey
from apps.providers.enums import KeyPurpose, KeyState
from apps.providers.errors import ProviderKeyStateError
from apps.providers.models import ProviderKey
from apps.providers.services.keys import (
    check_key_times,
    end_other_keys,
    key_facts,
    record_key,
    store_key,
)
from apps.staff.contracts import ApprovalGrant
from apps.staff.services import request_approval
from apps.staff.services.approvals import Person

PROVIDER_KEY: Final = "providers.key"
_TITLES: Final = {
    KeyPurpose.CALLBACKS: "Believe what {name} signs with the key {kid}",
    KeyPurpose.ORDERS: "Sign transfer orders to {name} with the key {kid}",
}


@dataclass(frozen=True, slots=True)
class ProposedKey:
    """What came of a proposal. ``secret`` is there only if we made it, and is shown once."""

    secret: str
    approval_id: int


@transaction.atomic
def propose_provider_key(
    new: NewKey, *, acting_user: Person, reason: str, now: datetime
) -> ProposedKey:
    """Store a key that waits, and ask a second person to let it verify or sign.

    Raises:
        ReasonRequiredError, UnknownProviderError, InvalidSecretError, ProviderKeyStateError: as
            ``keys.add_provider_key`` says.
        NotAllowedToDecideError: the requester's account is not active.
    """
    key, secret = store_key(
        new, state=KeyState.PROPOSED, added_by_id=acting_user.pk, reason=reason, now=now
    )
    payload = {
        "provider": key.provider.code,
        "key_id": key.pk,
        **key_facts(key),
        "made_here": bool(secret),
        "others_end_at": new.end_others_at.isoformat() if new.end_others_at else None,
    }
    approval = request_approval(
        kind=PROVIDER_KEY,
        subject=f"provider_key:{key.pk}",
        title=_TITLES[KeyPurpose(key.purpose)].format(name=key.provider.name, kid=key.kid),
        payload=payload,
        requested_by=acting_user,
        reason=reason,
        now=now,
    )
    details = {**payload, "approval_id": approval.pk}
    record_key("proposed", key, acting_user, details, reason=reason, now=now)
    return ProposedKey(secret, approval.pk)


def recheck_provider_key(payload: dict[str, Any]) -> None:
    """Refuse an approval of a key that is not what was proposed.

    Raises:
        ProviderKeyStateError: it was withdrawn, or its facts differ.
    """
    _require_as_proposed(ProviderKey.objects.filter(pk=payload["key_id"]).first(), payload)


def execute_provider_key(approved: ApprovalGrant) -> dict[str, Any]:
    """Let the proposed key verify and end the others as agreed; runs inside the approval.

    Raises:
        ProviderKeyStateError: it is not what was proposed, or a moment agreed on is past by now.
    """
    found = ProviderKey.objects.select_for_update().filter(pk=approved.payload["key_id"]).first()
    key = _require_as_proposed(found, approved.payload)
    text = approved.payload["others_end_at"]
    end_at = datetime.fromisoformat(text) if text else None
    check_key_times(key.not_before, key.not_after, end_at, approved.now)
    key.state = KeyState.ACTIVE
    key.approval_id = approved.approval_id
    key.save(update_fields=["state", "approval"])
    ended = end_other_keys(key, end_at)
    details = {"kid": key.kid, "approval_id": approved.approval_id, "others_ended": ended}
    reason = f"Approval {approved.approval_id}"
    record_key("activated", key, None, details, reason=reason, now=approved.now)
    return {"kid": key.kid, "state": key.state, "others_ended": ended}


def _require_as_proposed(key: ProviderKey | None, payload: dict[str, Any]) -> ProviderKey:
    if key is None or key.state != KeyState.PROPOSED:
        raise ProviderKeyStateError(f"The key {payload['kid']} is not proposed any more.")
    facts = key_facts(key)
    # What was asked for before keys had a purpose was a key for callbacks.
    payload = {"purpose": KeyPurpose.CALLBACKS, **payload}
    if any(payload[name] != value for name, value in facts.items()):
        raise ProviderKeyStateError(f"The key {payload['kid']} is not the one proposed.")
    return key
