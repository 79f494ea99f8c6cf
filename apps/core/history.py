"""How models that staff edit keep their history."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, models, transaction
from simple_history.models import HistoricalRecords


def history_records(*, excluded_fields: Sequence[str] = ()) -> Any:
    """Return the ``history`` attribute of a model that staff edit.

    Use as ``history = history_records()`` together with ``HistoryAdmin``, which asks for a reason
    at every edit. Exclude fields that change on their own (last login) or that nobody may read.
    """
    return HistoricalRecords(
        excluded_fields=list(excluded_fields),
        history_change_reason_field=models.TextField(null=True, blank=True),
    )


def note_edit(
    row: models.Model,
    *,
    acting_user: AbstractBaseUser | AnonymousUser | None,
    reason: str,
    now: datetime,
) -> None:
    """Give the next ``save`` of ``row`` its person, reason and moment; no person is the system."""
    person = acting_user if isinstance(acting_user, AbstractBaseUser) else None
    vars(row).update(_change_reason=reason, _history_user=person, _history_date=now)


def find_or_add[M: models.Model](
    on_file: models.QuerySet[M], row: M, *, reason: str, now: datetime
) -> tuple[M, bool]:
    """Return what is on file, or add ``row`` with its first version; tell whether it was added.

    A twin that is added meanwhile is returned, since a constraint lets only one in. What another
    constraint refuses is refused.
    """
    known = on_file.first()
    if known is not None:
        return known, False
    note_edit(row, acting_user=None, reason=reason, now=now)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        twin = on_file.first()
        if twin is None:
            raise
        return twin, False
    return row, True
