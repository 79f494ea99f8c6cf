"""What people ask about the outbox and the audit chain."""

from datetime import datetime
from typing import Any

from apps.core.models import AuditEntry, OutboxMessage


def parked_messages(*, limit: int) -> list[OutboxMessage]:
    """Return outbox messages that were given up, the newest first."""
    return list(
        OutboxMessage.objects.filter(parked_at__isnull=False).order_by("-parked_at", "-pk")[:limit]
    )


def is_said_again(outbox_id: int) -> bool:
    """Tell whether a later message that is still to be done says exactly the same."""
    message = OutboxMessage.objects.get(pk=outbox_id)
    waiting = OutboxMessage.objects.filter(done_at=None, parked_at=None, pk__gt=outbox_id)
    return waiting.filter(task=message.task, payload=message.payload).exists()


def newest_audit_entries(*, limit: int) -> list[AuditEntry]:
    return list(AuditEntry.objects.order_by("-pk")[:limit])


def audited_details(action: str, subject: str, chain: str = "main") -> list[dict[str, Any]]:
    """Return the details of each time that ``action`` was done to ``subject``, the oldest first."""
    entries = AuditEntry.objects.filter(chain=chain, action=action, subject=subject)
    return list(entries.order_by("sequence").values_list("details", flat=True))


def audit_hash_at(sequence: int, chain: str = "main") -> str:
    """Return the hash of the chain's entry at a place; empty where there is none."""
    entries = AuditEntry.objects.filter(chain=chain, sequence=sequence)
    return entries.values_list("entry_hash", flat=True).first() or ""


def is_unmasked(action: str, subject: str, *, actor_id: int, since: datetime) -> bool:
    """Tell whether the chain says that this person did ``action`` to ``subject`` since then."""
    entries = AuditEntry.objects.filter(subject=subject, actor_id=actor_id, action=action)
    return entries.filter(created_at__gte=since).exists()
