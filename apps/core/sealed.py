"""Logs of their own, sealed like the audit chain: each row to the one before it in its table."""

import hashlib
from datetime import UTC, datetime
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Q

from apps.core.canonical import canonical_json
from apps.core.contracts import AuditVerdict

GENESIS: Final = "0" * 64
_LOCK_SPACE: Final = 0x5345414C


class SealedEntry(models.Model):
    """A row that only ``append_sealed`` writes. Give the table ``triggers = append_only()``."""

    id = models.BigAutoField(primary_key=True)
    sequence = models.PositiveBigIntegerField(help_text="Place in the log, from 1, no gaps.")
    created_at = models.DateTimeField("when")
    prev_hash = models.CharField(max_length=64)
    entry_hash = models.CharField(max_length=64)

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(
                fields=["sequence"], name="%(app_label)s_%(class)s_one_per_place"
            ),
            models.UniqueConstraint(
                fields=["prev_hash"], name="%(app_label)s_%(class)s_never_forks"
            ),
            models.CheckConstraint(
                condition=Q(sequence__gte=1) & Q(entry_hash__regex="^[0-9a-f]{64}$"),
                name="%(app_label)s_%(class)s_is_sealed",
            ),
        ]


@transaction.atomic
def append_sealed[E: SealedEntry](entry: E) -> E:
    """Seal ``entry`` to the newest of its table and insert it, in the caller's transaction.

    An advisory lock held to the end of the transaction orders the appends.
    """
    number = int.from_bytes(hashlib.sha256(_table(type(entry)).encode()).digest()[:4], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_SPACE, number])
    head = log_head(type(entry))
    entry.sequence = head.sequence + 1 if head else 1
    entry.prev_hash = head.entry_hash if head else GENESIS
    entry.entry_hash = sealed_hash(entry)
    entry.save(force_insert=True)
    return entry


def sealed_hash(entry: SealedEntry) -> str:
    """Return what the entry's hash must be; independent of settings, locale and time zone."""
    content = {
        field.attname: _plain(getattr(entry, field.attname))
        for field in entry._meta.concrete_fields
        if field.attname not in {"id", "entry_hash"}
    }
    return hashlib.sha256(canonical_json(content)).hexdigest()


def _rows[E: SealedEntry](model: type[E]) -> models.Manager[E]:
    return model._default_manager  # noqa: SLF001 - Django's documented Meta API


def _table(model: type[SealedEntry]) -> str:
    return model._meta.db_table


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case None | int() | dict() | list():
            return value
        case _:
            return str(value)


def verify_sealed(model: type[SealedEntry]) -> AuditVerdict:
    """Walk the log from its first entry and name the first one that doesn't fit."""
    count, expected = 0, GENESIS
    for entry in _rows(model).order_by("sequence").iterator(2000):
        why = _flaw(entry, count + 1, expected)
        if why:
            return AuditVerdict(_table(model), count, expected, entry.pk, why)
        count, expected = count + 1, entry.entry_hash
    return AuditVerdict(_table(model), count, expected)


def log_name(model: type[SealedEntry]) -> str:
    return _table(model)


def log_head[E: SealedEntry](model: type[E]) -> E | None:
    """Return the newest entry of a log."""
    return _rows(model).order_by("-sequence").first()


def hashes_at(model: type[SealedEntry], places: list[int]) -> dict[int, tuple[int, str]]:
    """Return id and hash of the entries at these places of a log, by place."""
    found = _rows(model).filter(sequence__in=places)
    return {
        place: (pk, seal) for place, pk, seal in found.values_list("sequence", "pk", "entry_hash")
    }


def sealed_logs() -> list[type[SealedEntry]]:
    """Return the sealed logs of this installation that are no compartment's, by table."""
    ours = [model for model in apps.get_models() if issubclass(model, SealedEntry)]
    closed = settings.PITBOSS_COMPARTMENTS
    return sorted((m for m in ours if _label(m) not in closed), key=_table)


def _label(model: type[SealedEntry]) -> str:
    return model._meta.app_label


def _flaw(entry: SealedEntry, sequence: int, prev_hash: str) -> str:
    if entry.sequence != sequence:
        return f"expected place {sequence}, found {entry.sequence}: an entry is missing"
    if entry.prev_hash != prev_hash:
        return "it does not follow the entry before it"
    return "" if sealed_hash(entry) == entry.entry_hash else "its content does not match its hash"
