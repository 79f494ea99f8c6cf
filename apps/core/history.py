"""How models that staff edit keep their history."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
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
    acting_user: AbstractBaseUser | None,
    reason: str,
    now: datetime | None = None,
) -> None:
    """Give the next ``save`` of ``row`` its person, reason and moment.

    No person is the system; without ``now`` the moment is that of the save.
    """
    vars(row).update(_change_reason=reason, _history_user=acting_user)
    if now is not None:
        vars(row).update(_history_date=now)
