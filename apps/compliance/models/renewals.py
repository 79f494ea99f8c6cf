"""Who replaces a certificate that ends, how far that is, and who was reminded."""

from typing import override

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.compliance.enums import (
    CLOSED_RENEWALS,
    RENEWAL_STEPS,
    ReminderRole,
    RenewalNoteKind,
    RenewalState,
)
from apps.core.history import history_records
from apps.core.triggers import append_only, never_truncated
from apps.providers.enums import EndKind


class DeskDuty(models.Model):
    """Who looks after the certificates of a provider, and who does when that person doesn't.

    The row without a provider is for all providers that have none of their own.
    """

    provider = models.ForeignKey(
        "providers.Provider", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    deputy = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    acknowledge_days = models.PositiveSmallIntegerField(
        "deputy is told after (days)",
        default=3,
        help_text="How long the owner has to acknowledge a reminder; near the end it is less.",
    )

    history = history_records()

    class Meta:
        verbose_name = "desk duty"
        verbose_name_plural = "desk duties"
        constraints = [
            models.UniqueConstraint(
                fields=["provider"], nulls_distinct=False, name="compliance_duty_once_per_provider"
            ),
            models.CheckConstraint(
                condition=Q(deputy__isnull=True) | ~Q(deputy=F("owner")),
                name="compliance_duty_deputy_is_a_second_person",
            ),
            models.CheckConstraint(
                condition=Q(acknowledge_days__lte=30),
                name="compliance_duty_acknowledged_within_a_month",
            ),
        ]

    @override
    def __str__(self) -> str:
        return str(self.provider) if self.provider else "every other provider"


class Renewal(models.Model):
    """The work of replacing one certificate before it ends.

    It is about one end, ``end_kind`` on ``ends_on``: what is decided about a review says nothing of
    the expiry. It is done by a successor and by nothing else; whoever decides not to renew says
    why. A review is also over once somebody recorded it and set the next. A closed renewal stays
    closed: another end, or a successor that is withdrawn, gets a renewal of its own.
    """

    certificate = models.ForeignKey(
        "providers.Certificate", on_delete=models.PROTECT, related_name="+"
    )
    end_kind = models.CharField("end", max_length=16, choices=EndKind.choices)
    ends_on = models.DateField("day of the end")
    state = models.CharField(max_length=16, choices=RenewalState.choices, default=RenewalState.OPEN)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    deputy = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    due_on = models.DateField("new report due")
    lab_contact = models.CharField(max_length=200, blank=True)
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    successor = models.ForeignKey(
        "providers.Certificate",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    outcome = models.TextField("how it ended", blank=True)

    class Meta:
        permissions = [
            ("work_renewal", "Can open, plan, assign and move renewals"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=RenewalState.values),
                name="compliance_renewal_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(end_kind__in=EndKind.values),
                name="compliance_renewal_end_kind_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(state=RenewalState.REVIEWED) | Q(end_kind=EndKind.REVIEW),
                name="compliance_renewal_reviewed_where_a_review_was_due",
            ),
            models.UniqueConstraint(
                fields=["certificate"],
                condition=~Q(state__in=CLOSED_RENEWALS),
                name="compliance_renewal_one_open_per_certificate",
            ),
            models.CheckConstraint(
                condition=Q(state=RenewalState.DONE, successor__isnull=False)
                | (~Q(state=RenewalState.DONE) & Q(successor__isnull=True)),
                name="compliance_renewal_done_by_a_successor",
            ),
            models.CheckConstraint(
                condition=Q(successor__isnull=True) | ~Q(successor=F("certificate")),
                name="compliance_renewal_successor_is_another_certificate",
            ),
            models.CheckConstraint(
                condition=(Q(state__in=CLOSED_RENEWALS, closed_at__isnull=False) & ~Q(outcome=""))
                | (~Q(state__in=CLOSED_RENEWALS) & Q(closed_at__isnull=True, outcome="")),
                name="compliance_renewal_closed_with_time_and_outcome",
            ),
            models.CheckConstraint(
                condition=Q(deputy__isnull=True) | ~Q(deputy=F("owner")),
                name="compliance_renewal_deputy_is_a_second_person",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "state"], name="compliance_renewal_of_person"),
            models.Index(
                fields=["due_on"],
                name="compliance_renewal_due",
                condition=~Q(state__in=CLOSED_RENEWALS),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            never_truncated(),
            pgtrigger.Protect(
                name="subject_never_changes",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "certificate", "end_kind", "ends_on", "opened_at", "opened_by"
                ),
            ),
            pgtrigger.Protect(
                name="closed_for_good",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state__in=[str(state) for state in CLOSED_RENEWALS]),
            ),
            pgtrigger.FSM(
                name="moves_by_known_steps",
                field="state",
                transitions=[
                    (str(start), str(end)) for start, ends in RENEWAL_STEPS.items() for end in ends
                ],
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"Renewal of {self.certificate}"


class RenewalNote(models.Model):
    """One step or remark on a renewal, only ever added to; ``author`` is empty for the system."""

    renewal = models.ForeignKey(Renewal, on_delete=models.PROTECT, related_name="notes")
    kind = models.CharField(max_length=16, choices=RenewalNoteKind.choices)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    body = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=RenewalNoteKind.values),
                name="compliance_note_kind_is_known",
            ),
            models.CheckConstraint(condition=~Q(body=""), name="compliance_note_says_something"),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return f"{self.kind} {self.created_at:%Y-%m-%d %H:%M}"


class Reminder(models.Model):
    """One person told of one flag, once; the row is written before the mail is sent.

    A flag is one certificate, one kind of end and one threshold, so the unique key keeps a check
    that runs twice, or two at once, from reminding twice. ``sent_at`` follows the mail: a crash in
    between sends it again and never loses it.
    """

    renewal = models.ForeignKey(Renewal, on_delete=models.PROTECT, related_name="reminders")
    flag = models.ForeignKey(
        "providers.CertificateFlag", on_delete=models.PROTECT, related_name="+"
    )
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    role = models.CharField("told as", max_length=16, choices=ReminderRole.choices)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField("mailed", null=True, blank=True)
    problem = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["flag", "recipient"], name="compliance_reminder_once_per_flag_and_person"
            ),
            models.CheckConstraint(
                condition=Q(role__in=ReminderRole.values), name="compliance_reminder_role_is_known"
            ),
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True) | Q(problem=""),
                name="compliance_reminder_sent_or_has_a_problem",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            never_truncated(),
            pgtrigger.ReadOnly(
                name="promise_never_changes",
                fields=["renewal", "flag", "recipient", "role", "created_at"],
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"Reminder {self.pk}"
