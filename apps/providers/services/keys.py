"""Keys shared with providers: stored, ended and revoked, with a reason."""

import base64
import hashlib
import re
import secrets
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import Q

from apps.core.reasons import require_reason
from apps.core.services import record_audit
from apps.providers.adapters.native.signing import decode_secret
from apps.providers.adapters.registry import ADAPTERS
from apps.providers.contracts import NewKey
from apps.providers.enums import KeyPurpose, KeyState, Protocol
from apps.providers.errors import InvalidSecretError, ProviderKeyStateError, UnknownProviderError
from apps.providers.models import Provider, ProviderKey

type Person = AbstractBaseUser | AnonymousUser

_KID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", re.ASCII)
_LONGEST_SECRET: Final = 10_000


@transaction.atomic
def add_provider_key(new: NewKey, *, reason: str, now: datetime) -> str:
    """Add a key on the command line; return its secret if we made it, else "".

    It is valid beside the present ones at once: who runs a command has the server itself, and the
    audit chain says so. People propose keys (``key_proposals``). With ``end_others_at`` every other
    active key ends then: the two overlap until that moment.

    Raises:
        ReasonRequiredError: nobody said why.
        UnknownProviderError: there is no such provider.
        InvalidSecretError: the provider's protocol can't verify with this text, or it is known.
        ProviderKeyStateError: the name is taken or malformed, or the key would end too early.
    """
    key, secret = store_key(new, state=KeyState.ACTIVE, added_by_id=None, reason=reason, now=now)
    details = {
        **key_facts(key),
        "made_here": bool(secret),
        "others_ended": end_other_keys(key, new.end_others_at),
        "through": "command line",
    }
    record_key("added", key, None, details, reason=reason, now=now)
    return secret


def store_key(
    new: NewKey, *, state: KeyState, added_by_id: int | None, reason: str, now: datetime
) -> tuple[ProviderKey, str]:
    """Write a key in a state; return it with its secret if we made it.

    Raises:
        ReasonRequiredError, UnknownProviderError, InvalidSecretError, ProviderKeyStateError: as
            ``add_provider_key`` says.
    """
    require_reason(reason)
    provider = Provider.objects.select_for_update(no_key=True).filter(pk=new.provider_id).first()
    if provider is None:
        raise UnknownProviderError(str(new.provider_id))
    secret = new.secret.strip() or _generated(provider.protocol, new.purpose)
    _check(new, provider, secret, now)
    key = ProviderKey.objects.create(
        provider=provider,
        kid=new.kid,
        secret=secret,
        purpose=new.purpose,
        state=state,
        not_before=new.not_before,
        not_after=new.not_after,
        created_at=now,
        added_by_id=added_by_id,
    )
    return key, "" if new.secret.strip() else secret


def key_facts(key: ProviderKey) -> dict[str, Any]:
    """Return what may be said of a key: for what, when, and by which digest its secret is known."""
    return {
        "kid": key.kid,
        "purpose": key.purpose,
        "secret_sha256": hashlib.sha256(key.secret.encode()).hexdigest(),
        "not_before": key.not_before.isoformat(),
        "not_after": key.not_after.isoformat() if key.not_after else None,
    }


def _generated(protocol: str, purpose: str) -> str:
    is_order = purpose == KeyPurpose.ORDERS
    if protocol == Protocol.HUB88 and not is_order:
        raise InvalidSecretError(
            "This protocol is verified with the provider's public key: paste its PEM."
        )
    if protocol == Protocol.NATIVE or is_order:
        return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode("ascii")
    return secrets.token_urlsafe(48)


def _check(new: NewKey, provider: Provider, secret: str, now: datetime) -> None:
    if not _KID.fullmatch(new.kid):
        raise ProviderKeyStateError(
            "A key's name is at most 32 letters, digits, dots, dashes and underscores."
        )
    if ProviderKey.objects.filter(provider=provider, kid=new.kid).exists():
        raise ProviderKeyStateError(f"{provider} has a key '{new.kid}' already; choose a new name.")
    check_key_times(new.not_before, new.not_after, new.end_others_at, now)
    _check_secret(provider, secret, new.purpose)


def check_key_times(
    not_before: datetime, not_after: datetime | None, end_others_at: datetime | None, now: datetime
) -> None:
    """Refuse times that make no sense at ``now``.

    Raises:
        ProviderKeyStateError: the key would end too early, or the others before it starts.
    """
    if not_after is not None and not_after <= max(not_before, now):
        raise ProviderKeyStateError("A key must end after it starts, and in the future.")
    if end_others_at is not None and end_others_at < max(not_before, now):
        raise ProviderKeyStateError("The old keys can't end before the new one starts.")


def _check_secret(provider: Provider, secret: str, purpose: str) -> None:
    adapter = ADAPTERS.get(provider.protocol)
    if adapter is None:
        raise InvalidSecretError(f"Keys of the protocol {provider.protocol} are not known here.")
    if len(secret) > _LONGEST_SECRET:
        raise InvalidSecretError("This is too long for a secret or a public key.")
    if purpose == KeyPurpose.ORDERS:
        # Orders have one form whatever the provider's own protocol is.
        decode_secret(secret)
    else:
        try:
            adapter.read_secret(secret)
        except (ValueError, TypeError) as error:
            raise InvalidSecretError(
                f"The protocol {provider.protocol} can't verify with this text."
            ) from error
    others = ProviderKey.objects.filter(provider=provider)
    if any(secrets.compare_digest(key.secret.encode(), secret.encode()) for key in others):
        raise InvalidSecretError("The provider has a key with this secret already.")


def end_other_keys(key: ProviderKey, end_at: datetime | None) -> list[str]:
    """End every other active key of its purpose at a moment; return their names."""
    if end_at is None:
        return []
    later = Q(not_after__isnull=True) | Q(not_after__gt=end_at)
    others = ProviderKey.objects.select_for_update().filter(
        later,
        provider_id=key.provider_id,
        purpose=key.purpose,
        state=KeyState.ACTIVE,
        not_before__lt=end_at,
    )
    ended = list(others.exclude(pk=key.pk).order_by("pk"))
    for other in ended:
        other.not_after = end_at
        other.save(update_fields=["not_after"])
    return [other.kid for other in ended]


@transaction.atomic
def end_provider_key(
    *, key_id: int, until: datetime, acting_user: Person, reason: str, now: datetime
) -> None:
    """Let an active key end at a moment to come; until then it verifies.

    Raises:
        ReasonRequiredError: nobody said why.
        ProviderKeyStateError: there is no such active key, or the moment is past.
    """
    key = _locked(key_id, [KeyState.ACTIVE], reason)
    if until <= max(now, key.not_before):
        raise ProviderKeyStateError("Choose a moment to come, after the key's start.")
    key.not_after = until
    key.save(update_fields=["not_after"])
    details = {"kid": key.kid, "not_after": until.isoformat()}
    record_key("ending", key, acting_user, details, reason=reason, now=now)


@transaction.atomic
def retire_provider_key(*, key_id: int, acting_user: Person, reason: str, now: datetime) -> None:
    """End a webhook key: what is signed with it from now on is refused. A proposal is withdrawn.

    Raises:
        ReasonRequiredError: nobody said why.
        ProviderKeyStateError: there is no such key, or it is neither active nor proposed.
    """
    key = _locked(key_id, [KeyState.ACTIVE, KeyState.PROPOSED], reason)
    _end_now(key, KeyState.RETIRED, now)
    record_key("retired", key, acting_user, {"kid": key.kid}, reason=reason, now=now)


@transaction.atomic
def revoke_provider_key(*, key_id: int, acting_user: Person, reason: str, now: datetime) -> None:
    """End a key that leaked, whether it still verified or not; the state says so for ever.

    Raises:
        ReasonRequiredError: nobody said why.
        ProviderKeyStateError: there is no such key, or it was revoked before.
    """
    key = _locked(key_id, [KeyState.ACTIVE, KeyState.PROPOSED, KeyState.RETIRED], reason)
    _end_now(key, KeyState.REVOKED, now)
    record_key("revoked", key, acting_user, {"kid": key.kid}, reason=reason, now=now)


def _locked(key_id: int, states: list[KeyState], reason: str) -> ProviderKey:
    require_reason(reason)
    key = ProviderKey.objects.select_for_update().filter(pk=key_id).first()
    if key is None or key.state not in states:
        raise ProviderKeyStateError(f"Webhook key {key_id} is not {' or '.join(states)}.")
    return key


def _end_now(key: ProviderKey, state: KeyState, now: datetime) -> None:
    key.state = state
    if key.not_before < now and (key.not_after is None or key.not_after > now):
        key.not_after = now
    key.save(update_fields=["state", "not_after"])


def record_key(
    what: str,
    key: ProviderKey,
    actor: Person | None,
    details: dict[str, Any],
    *,
    reason: str,
    now: datetime,
) -> None:
    """Write what was done to a key to the audit chain; nobody is the command line."""
    record_audit(
        action=f"providers.key.{what}",
        actor=actor,
        subject=f"providers.providerkey:{key.pk}",
        details=details,
        reason=reason.strip(),
        now=now,
    )
