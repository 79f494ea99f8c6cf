"""The heads of the sealed logs, written into the audit chain: whoever anchors that anchors them.

A log alone proves only that it is consistent; its owner can cut its tail or write it anew.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from django.db import transaction

from apps.core.contracts import AuditVerdict
from apps.core.models import AuditEntry
from apps.core.sealed import SealedEntry, hashes_at, log_head, log_name, sealed_logs, verify_sealed
from apps.core.services.audit import MAIN_CHAIN, record_audit

LOG_SEALED: Final = "core.log.sealed"


@transaction.atomic
def seal_logs(*, now: datetime) -> int:
    """Record how far each log goes, where it went further since; a repeat records nothing."""
    sealed = 0
    for model in sealed_logs():
        head = log_head(model)
        if head is None or head.sequence <= max(_seals(model), default=0):
            continue
        record_audit(
            action=LOG_SEALED,
            actor=None,
            subject=_subject(model),
            details={"entries": head.sequence, "head_hash": head.entry_hash},
            now=now,
        )
        sealed += 1
    return sealed


def verify_log(model: type[SealedEntry]) -> AuditVerdict:
    """Verify a log by itself, then that it still holds what the audit chain saw of it."""
    # Read first: what is appended and sealed during the walk is not missing.
    seals = _seals(model)
    verdict = verify_sealed(model)
    if not verdict.holds:
        return verdict
    there = hashes_at(model, list(seals))
    for entries, head_hash in sorted(seals.items()):
        if entries > verdict.entries:
            why = f"the audit chain saw {entries:,} entries, {verdict.entries:,} are left"
            return replace(verdict, why=why)
        pk, found = there[entries]
        if found != head_hash:
            why = f"place {entries:,} is not the entry that the audit chain saw"
            return replace(verdict, first_bad_id=pk, why=why)
    return verdict


def _seals(model: type[SealedEntry]) -> dict[int, str]:
    """Return what the audit chain saw of a log: hash of its head by the number of its entries."""
    entries = AuditEntry.objects.filter(
        chain=MAIN_CHAIN, action=LOG_SEALED, subject=_subject(model)
    )
    seen = entries.order_by("sequence").values_list("details", flat=True)
    return {int(details["entries"]): str(details["head_hash"]) for details in seen}


def _subject(model: type[SealedEntry]) -> str:
    return f"log:{log_name(model)}"
