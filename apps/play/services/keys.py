"""Signing keys: made when first needed, retired on schedule, revoked when one leaked."""

from datetime import datetime
from uuid import uuid4

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, transaction

from apps.core.reasons import require_reason
from apps.core.services import record_audit
from apps.play import statements
from apps.play.enums import SessionEnd, SigningKeyState
from apps.play.errors import SigningKeyStateError
from apps.play.jwt import new_key_pair
from apps.play.models import SigningKey


@transaction.atomic
def signing_key(now: datetime) -> SigningKey:
    """Return the key that signs, made now if there is none. Two callers get the same one."""
    key = SigningKey.objects.filter(state=SigningKeyState.ACTIVE).first()
    if key is not None:
        return key
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('play.signing_key', 0))")
    return SigningKey.objects.filter(state=SigningKeyState.ACTIVE).first() or _make_key(now)


def _make_key(now: datetime) -> SigningKey:
    private_pem, public_pem = new_key_pair()
    return SigningKey.objects.create(
        kid=f"play-{uuid4().hex[:12]}",
        private_pem=private_pem,
        public_pem=public_pem,
        not_before=now,
        created_at=now,
    )


def retire_key(*, key_id: int, acting_user: AbstractBaseUser, reason: str, now: datetime) -> None:
    """Stop signing with a key; tokens it signed live on, and the next session makes a new key.

    Raises:
        ReasonRequiredError, SigningKeyStateError: as they say.
    """
    _end_key(key_id, SigningKeyState.RETIRED, acting_user=acting_user, reason=reason, now=now)


@transaction.atomic
def revoke_key(*, key_id: int, acting_user: AbstractBaseUser, reason: str, now: datetime) -> None:
    """End a key that leaked: every token it signed, and every session that holds one, ends now.

    Raises:
        ReasonRequiredError, SigningKeyStateError: as they say.
    """
    _end_key(key_id, SigningKeyState.REVOKED, acting_user=acting_user, reason=reason, now=now)
    with connection.cursor() as cursor:
        cursor.execute(
            statements.END_SESSIONS_OF_KEY,
            {
                "key_id": key_id,
                "now": now,
                "code": SessionEnd.KEY_REVOKED,
                "reason": reason.strip()[:200],
            },
        )


@transaction.atomic
def _end_key(
    key_id: int,
    state: SigningKeyState,
    *,
    acting_user: AbstractBaseUser,
    reason: str,
    now: datetime,
) -> None:
    require_reason(reason)
    key = SigningKey.objects.select_for_update().filter(pk=key_id).first()
    if key is None or key.state in {state, SigningKeyState.REVOKED}:
        raise SigningKeyStateError(f"Signing key {key_id} is not one that can be {state}.")
    key.state = state
    key.retired_at = key.retired_at or now
    key.save(update_fields=["state", "retired_at"])
    record_audit(
        action=f"play.signing_key.{state}",
        actor=acting_user,
        subject=f"play.signingkey:{key.pk}",
        details={"kid": key.kid},
        reason=reason.strip(),
        now=now,
    )
