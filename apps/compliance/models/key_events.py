"""Events that a regulator must be told of within working days, drafted and sent once."""

from typing import override

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.compliance.enums import KeyEventKind, KeyEventState

LONGEST_DETAIL = 1500
"""domain.md GB-KE-1: the regulator's box for the detail takes 1,500 characters."""


class KeyEvent(models.Model):
    """One event, from becoming aware of it to the moment it was submitted.

    ``due_at`` is the end of the fifth working day after the day of ``aware_at``, by the calendar
    and clock of Great Britain; ``reminded_at`` is when the desk was mailed that it runs out. What
    was submitted never changes; a correction is another event.
    """

    kind = models.CharField(max_length=32, choices=KeyEventKind.choices)
    title = models.CharField(max_length=150)
    detail = models.CharField(max_length=LONGEST_DETAIL)
    late_reason = models.CharField("why it is late", max_length=500, blank=True)
    aware_at = models.DateTimeField("aware since")
    due_at = models.DateTimeField("to be submitted before")
    state = models.CharField(
        max_length=16, choices=KeyEventState.choices, default=KeyEventState.DRAFT
    )
    drafted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    drafted_at = models.DateTimeField()
    edited_at = models.DateTimeField()
    reminded_at = models.DateTimeField("desk reminded", null=True, blank=True)
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    submitted_at = models.DateTimeField(null=True, blank=True)
    reference = models.CharField("regulator's reference", max_length=100, blank=True)

    class Meta:
        permissions = [
            ("draft_keyevent", "Can draft key events"),
            ("submit_keyevent", "Can record that a key event was submitted"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=KeyEventKind.values) & Q(state__in=KeyEventState.values),
                name="compliance_key_event_kind_and_state_are_known",
            ),
            models.CheckConstraint(
                condition=Q(
                    state=KeyEventState.DRAFT,
                    submitted_at__isnull=True,
                    submitted_by__isnull=True,
                    reference="",
                )
                | (
                    Q(
                        state=KeyEventState.SUBMITTED,
                        submitted_at__isnull=False,
                        submitted_by__isnull=False,
                    )
                    & ~Q(reference="")
                ),
                name="compliance_key_event_submitted_by_somebody_with_a_reference",
            ),
            models.CheckConstraint(
                condition=Q(submitted_at__isnull=True)
                | Q(submitted_at__lt=F("due_at"))
                | ~Q(late_reason=""),
                name="compliance_key_event_that_is_late_says_why",
            ),
            models.CheckConstraint(
                condition=Q(due_at__gt=F("aware_at")) & ~Q(title="") & ~Q(detail=""),
                name="compliance_key_event_says_what_and_by_when",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="submitted_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state=KeyEventState.SUBMITTED),
            ),
            pgtrigger.ReadOnly(
                name="clock_never_changes", fields=["aware_at", "due_at", "drafted_at"]
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.title
