"""The audit chain: every entry sealed to the one before it."""

import hashlib
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction

from apps.core.canonical import canonical_json, require_plain_json
from apps.core.contracts import AuditVerdict
from apps.core.errors import NotPlainJsonError
from apps.core.models import AuditEntry

MAIN_CHAIN: Final = "main"
GENESIS: Final = "0" * 64

# The first key of the advisory locks that order appends; the second is a hash of the chain's name.
_LOCK_SPACE: Final = 0x41554449


@transaction.atomic
def record_audit(
    *,
    action: str,
    actor: AbstractBaseUser | AnonymousUser | None,
    subject: str,
    details: dict[str, Any],
    reason: str = "",
    now: datetime,
) -> AuditEntry:
    """Append one entry to the main chain, in the caller's transaction.

    ``actor`` is None for the system. ``details`` holds ids, codes and amounts in minor units, no
    personal data: the chain is kept for ever. An advisory lock held to the end of the transaction
    orders the appends, so take other locks first and keep what follows short.

    Raises:
        NotPlainJsonError: ``details`` would not come back from the database unchanged.
    """
    require_plain_json([action, subject, reason, details])
    _lock_chain(MAIN_CHAIN)
    head = (
        AuditEntry.objects.filter(chain=MAIN_CHAIN)
        .order_by("-sequence")
        .only("sequence", "entry_hash")
        .first()
    )
    entry = AuditEntry(
        chain=MAIN_CHAIN,
        sequence=head.sequence + 1 if head else 1,
        action=action,
        actor_id=actor.pk if actor is not None else None,
        actor_name=actor.get_username() if actor is not None else "",
        subject=subject,
        details=details,
        reason=reason,
        request_id=_request_id(),
        created_at=now,
        prev_hash=head.entry_hash if head else GENESIS,
    )
    entry.entry_hash = entry_hash(entry)
    entry.save(force_insert=True)
    return entry


def _lock_chain(chain: str) -> None:
    number = int.from_bytes(hashlib.sha256(chain.encode()).digest()[:4], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_SPACE, number])


def _request_id() -> str:
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))[:100]


def entry_hash(entry: AuditEntry) -> str:
    """Return what ``entry``'s hash must be; independent of settings, locale and time zone."""
    content = {
        "action": entry.action,
        "actor_id": entry.actor_id,
        "actor_name": entry.actor_name,
        "chain": entry.chain,
        "created_at": entry.created_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "details": entry.details,
        "prev_hash": entry.prev_hash,
        "reason": entry.reason,
        "request_id": entry.request_id,
        "sequence": entry.sequence,
        "subject": entry.subject,
    }
    return hashlib.sha256(canonical_json(content)).hexdigest()


def verify_audit_chain(chain: str = MAIN_CHAIN) -> AuditVerdict:
    """Walk ``chain`` from its first entry and name the first one that doesn't fit.

    An entry of a chain that ``record_audit`` doesn't write fits nowhere. A cut tail leaves a chain
    that holds: compare ``entries`` and ``head_hash`` with an anchor kept elsewhere (``manage.py
    verify_audit --anchor``).
    """
    count, expected_prev = 0, GENESIS
    for entry in AuditEntry.objects.filter(chain=chain).order_by("sequence").iterator(2000):
        why = _flaw(entry, count + 1, expected_prev)
        if why:
            return AuditVerdict(chain, count, expected_prev, entry.pk, why)
        count, expected_prev = count + 1, entry.entry_hash
    stray = _outside_of(MAIN_CHAIN)
    if stray is not None:
        why = f"it is of a chain {stray.chain!r}, which nobody writes and no anchor sees"
        return AuditVerdict(chain, count, expected_prev, stray.pk, why)
    return AuditVerdict(chain, count, expected_prev)


def _outside_of(chain: str) -> AuditEntry | None:
    """Return an entry that pages show among the others and that is sealed to none of them."""
    return AuditEntry.objects.exclude(chain=chain).order_by("pk").first()


def _flaw(entry: AuditEntry, sequence: int, prev_hash: str) -> str:
    if entry.sequence != sequence:
        return f"expected place {sequence}, found {entry.sequence}: an entry is missing"
    if entry.prev_hash != prev_hash:
        return "it does not follow the entry before it"
    try:
        matches = entry_hash(entry) == entry.entry_hash
    except NotPlainJsonError:
        matches = False
    return "" if matches else "its content does not match its hash"
