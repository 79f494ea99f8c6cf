"""Who edits a row and why, for the history that simple-history writes when it is saved."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models


def note_edit(row: models.Model, *, acting_user: AbstractBaseUser | None, reason: str) -> None:
    """Give the next ``save`` of ``row`` its person and reason; no person is the system."""
    vars(row).update(_change_reason=reason, _history_user=acting_user)
