"""Who works here, and what two of them must agree on."""

from typing import override

import pgtrigger
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q

from apps.core.history import history_records
from apps.core.triggers import never_truncated
from apps.staff.enums import ApprovalState


class User(AbstractUser):
    """A member of staff. Accounts are deactivated, never deleted: their deeds refer to them."""

    display_name = models.CharField(max_length=150, blank=True, help_text="Shown to colleagues.")
    history = history_records(excluded_fields=["password", "last_login"])

    class Meta(AbstractUser.Meta):
        triggers = [pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)]

    @override
    def __str__(self) -> str:
        return self.display_name or self.username


class Approval(models.Model):
    """Something that one person asked for and another must agree to before it happens.

    The approval binds the exact content: ``payload`` can't change after the request, its hash is
    compared before it runs, and it runs in the transaction that records the decision. The database
    refuses the requester as approver, a second pending request for the same thing, any change of
    what was asked, and any way out of a final state.
    """

    kind = models.CharField(max_length=100)
    subject = models.CharField(max_length=200)
    title = models.CharField(max_length=300)
    payload = models.JSONField()
    payload_hash = models.CharField(max_length=64)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    request_reason = models.TextField()
    state = models.CharField(
        max_length=20, choices=ApprovalState.choices, default=ApprovalState.PENDING
    )
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.TextField(blank=True, default="")
    executed_at = models.DateTimeField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "-requested_at"], name="staff_approval_by_state"),
            models.Index(fields=["subject"], name="staff_approval_by_subject"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=Q(state=ApprovalState.PENDING),
                name="staff_approval_one_pending_per_subject",
            ),
            models.CheckConstraint(
                condition=(
                    Q(decided_by__isnull=True)
                    | ~Q(decided_by=F("requested_by"))
                    | Q(state=ApprovalState.CANCELLED)
                ),
                name="staff_approval_decided_by_second_person",
            ),
            models.CheckConstraint(
                condition=(
                    Q(
                        state=ApprovalState.PENDING,
                        decided_by__isnull=True,
                        decided_at__isnull=True,
                        decision_reason="",
                    )
                    | (
                        ~Q(state=ApprovalState.PENDING)
                        & Q(decided_by__isnull=False, decided_at__isnull=False)
                        & ~Q(decision_reason="")
                    )
                ),
                name="staff_approval_decision_has_person_time_and_reason",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state=ApprovalState.EXECUTED, executed_at__isnull=False)
                    | (
                        ~Q(state=ApprovalState.EXECUTED)
                        & Q(executed_at__isnull=True, result__isnull=True)
                    )
                ),
                name="staff_approval_executed_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(state__in=ApprovalState.values), name="staff_approval_state_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(request_reason="") & Q(payload_hash__regex="^[0-9a-f]{64}$"),
                name="staff_approval_says_why_and_binds_its_content",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            never_truncated(),
            pgtrigger.Protect(
                name="begins_pending",
                operation=pgtrigger.Insert,
                condition=~pgtrigger.Q(new__state=ApprovalState.PENDING),
            ),
            pgtrigger.Protect(
                name="request_never_changes",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "kind",
                    "subject",
                    "title",
                    "payload",
                    "payload_hash",
                    "requested_by",
                    "requested_at",
                    "request_reason",
                ),
            ),
            pgtrigger.Protect(
                name="decided_once",
                operation=pgtrigger.Update,
                condition=~pgtrigger.Q(old__state=ApprovalState.PENDING),
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.title
