"""Who works here, and what two of them must agree on."""

from datetime import timedelta
from typing import ClassVar, Final, override

import pgtrigger
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q
from django.utils.crypto import salted_hmac

from apps.core.history import history_records
from apps.core.sealed import SealedEntry
from apps.core.triggers import append_only, never_truncated
from apps.staff.contracts import LONGEST_PATH, LONGEST_QUERY
from apps.staff.enums import ApprovalState

LONGEST_SEAT: Final = timedelta(days=92)


class User(AbstractUser):
    """A member of staff. Accounts are deactivated, never deleted: their deeds refer to them."""

    display_name = models.CharField(max_length=150, blank=True, help_text="Shown to colleagues.")
    session_generation = models.PositiveIntegerField(default=0, editable=False)
    history = history_records(excluded_fields=["password", "last_login", "session_generation"])

    personal_fields: ClassVar[tuple[str, ...]] = ("first_name", "last_name", "email")

    class Meta(AbstractUser.Meta):
        permissions = [
            ("ask_mfa_reset", "Can ask that a colleague's second factor is reset"),
            ("approve_mfa_reset", "Can approve that a colleague's second factor is reset"),
        ]
        triggers = [pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)]

    @override
    def __str__(self) -> str:
        return self.display_name or self.username

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Bind sessions to the password and to ``session_generation``: either change ends them."""
        return salted_hmac(
            "apps.staff.models.User.session",
            f"{self.password}:{self.session_generation}",
            secret=secret,
            algorithm="sha256",
        ).hexdigest()


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
    asked_with = models.CharField(
        "asked with the permission", max_length=100, blank=True, default=""
    )
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
                        ~Q(state__in=[ApprovalState.PENDING, ApprovalState.EXPIRED])
                        & Q(decided_by__isnull=False, decided_at__isnull=False)
                        & ~Q(decision_reason="")
                    )
                    | (
                        Q(state=ApprovalState.EXPIRED)
                        & Q(decided_by__isnull=True, decided_at__isnull=False)
                        & ~Q(decision_reason="")
                    )
                ),
                name="staff_approval_decided_by_a_person_or_by_time_with_reason",
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
                    "asked_with",
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


class AuditorSeat(models.Model):
    """The time in which an auditor may read, given by somebody else and never made longer.

    Outside every seat of theirs an auditor can't open a page, whatever their account says.
    """

    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    purpose = models.TextField()
    granted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    granted_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    revoke_reason = models.TextField(blank=True, default="")

    class Meta:
        permissions = [
            ("revoke_auditorseat", "Can revoke an auditor's seat"),
            ("unmask_personal_data", "Can see personal data after saying why"),
        ]
        indexes = [models.Index(fields=["person", "-ends_at"], name="staff_auditorseat_of_person")]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at"))
                & Q(ends_at__lte=F("starts_at") + LONGEST_SEAT),
                name="staff_auditorseat_lasts_a_quarter_at_most",
            ),
            models.CheckConstraint(
                condition=~Q(granted_by=F("person")) & ~Q(purpose=""),
                name="staff_auditorseat_granted_by_somebody_else",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_by__isnull=True, revoke_reason="")
                | (Q(revoked_at__isnull=False, revoked_by__isnull=False) & ~Q(revoke_reason="")),
                name="staff_auditorseat_revoked_by_a_person_with_a_reason",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            never_truncated(),
            pgtrigger.Protect(
                name="terms_never_change",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "person", "starts_at", "ends_at", "purpose", "granted_by", "granted_at"
                ),
            ),
            pgtrigger.Protect(
                name="revoked_for_good",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__revoked_at__isnull=False),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"Seat of {self.person} until {self.ends_at:%Y-%m-%d}"


class AuditorLookUp(SealedEntry):
    """One page that an auditor opened, sealed to the one before; ids, no foreign keys."""

    seat_id = models.BigIntegerField("seat")
    person_id = models.BigIntegerField()
    person_name = models.CharField("who", max_length=200)
    page = models.CharField(max_length=150)
    path = models.CharField(max_length=LONGEST_PATH)
    query = models.CharField(max_length=LONGEST_QUERY, blank=True)
    status = models.PositiveSmallIntegerField()

    is_big_table: ClassVar[bool] = True

    class Meta(SealedEntry.Meta):
        verbose_name = "auditor look-up"
        default_permissions = ("view",)
        triggers = append_only()
        indexes = [
            models.Index(fields=["person_id", "-id"], name="staff_lookup_of_person"),
            models.Index(fields=["person_name"], name="staff_lookup_by_name"),
            models.Index(fields=["path"], name="staff_lookup_by_path"),
            models.Index(fields=["seat_id"], name="staff_lookup_by_seat"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.person_name} {self.path}"
