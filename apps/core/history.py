"""How models that staff edit keep their history."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
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


def add_all[M: models.Model](rows: Sequence[M], *, key: str, reason: str, now: datetime) -> list[M]:
    """Add rows that are not on file, each with its first version; return those that were added.

    ``key`` names the unique field that they are known by. A twin that is added meanwhile stands,
    with the version that whoever added it wrote in the same transaction.
    """
    if not rows:
        return []
    model: Any = type(rows[0])
    # In one order, so that two who add the same rows don't wait for each other. An insert that
    # meets a twin waits for its transaction, so the twin's version is seen below.
    rows = sorted(rows, key=attrgetter(key))
    model.objects.bulk_create(rows, ignore_conflicts=True)
    keys = [getattr(row, key) for row in rows]
    versions = model.history.filter(**{model._meta.pk.attname: models.OuterRef("pk")})
    found = model.objects.filter(**{f"{key}__in": keys}).filter(~models.Exists(versions))
    added = list(found.order_by("pk"))
    model.history.bulk_history_create(
        added, batch_size=1_000, default_change_reason=reason, default_date=now
    )
    return added
