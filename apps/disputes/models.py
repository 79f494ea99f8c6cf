from typing import override

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.core.triggers import append_only, never_truncated
from apps.disputes.enums import CLOSED_STATES, CaseState, CaseType, NoteKind


class Case(models.Model):
    """A player's complaint, most often about one round event, from receipt to decision.

    What was claimed never changes and a closed case stays closed. Both clocks run from receipt;
    ``clock_source`` says whose rule set them.
    """

    number = models.CharField("case", max_length=16, unique=True)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    provider = models.ForeignKey(
        "providers.Provider", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    event_id = models.CharField("round event", max_length=128, blank=True)
    round_ref = models.CharField("round", max_length=128, blank=True)
    case_type = models.CharField("type", max_length=24, choices=CaseType.choices)
    claim = models.TextField("what the player says")
    state = models.CharField(max_length=24, choices=CaseState.choices, default=CaseState.OPEN)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    received_at = models.DateTimeField("complaint received")
    opened_at = models.DateTimeField()
    acknowledge_by = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    decide_by = models.DateTimeField()
    clock_source = models.CharField("deadlines set by", max_length=200)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    outcome = models.TextField("decision", blank=True)

    class Meta:
        permissions = [
            ("open_case", "Can open disputes"),
            ("work_case", "Can assign, acknowledge and note disputes, and request credits"),
            ("close_case", "Can resolve or reject disputes without a credit"),
            ("approve_credit", "Can approve the credit of a dispute that somebody else asked for"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=CaseState.values), name="disputes_case_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(case_type__in=CaseType.values), name="disputes_case_type_is_known"
            ),
            models.CheckConstraint(
                condition=Q(provider__isnull=True, event_id="")
                | (Q(provider__isnull=False) & ~Q(event_id="")),
                name="disputes_case_event_names_its_provider",
            ),
            models.CheckConstraint(
                condition=~Q(claim=""), name="disputes_case_says_what_is_claimed"
            ),
            models.UniqueConstraint(
                fields=["provider", "event_id", "player"],
                condition=~Q(state__in=CLOSED_STATES) & ~Q(event_id=""),
                name="disputes_case_one_open_per_event",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state__in=CLOSED_STATES, closed_at__isnull=False, closed_by__isnull=False)
                    & ~Q(outcome="")
                )
                | (
                    ~Q(state__in=CLOSED_STATES)
                    & Q(closed_at__isnull=True, closed_by__isnull=True, outcome="")
                ),
                name="disputes_case_closed_by_somebody_who_said_why",
            ),
            models.CheckConstraint(
                condition=Q(decide_by__gt=F("received_at"))
                & Q(acknowledge_by__gt=F("received_at"))
                & Q(received_at__lte=F("opened_at")),
                name="disputes_case_clocks_run_from_receipt",
            ),
        ]
        indexes = [
            models.Index(fields=["assigned_to", "state"], name="disputes_case_of_person"),
            models.Index(fields=["player"], name="disputes_case_of_player"),
            models.Index(
                fields=["decide_by"],
                name="disputes_case_due",
                condition=~Q(state__in=CLOSED_STATES),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            never_truncated(),
            pgtrigger.Protect(
                name="claim_never_changes",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "number",
                    "player",
                    "currency",
                    "provider",
                    "event_id",
                    "case_type",
                    "claim",
                    "opened_by",
                    "received_at",
                    "opened_at",
                ),
            ),
            pgtrigger.Protect(
                name="closed_for_good",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state__in=[str(state) for state in CLOSED_STATES]),
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.number


class CaseNote(models.Model):
    """One step or remark on a case. The trail is only ever added to."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="notes")
    kind = models.CharField(max_length=24, choices=NoteKind.choices)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    body = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=NoteKind.values), name="disputes_note_kind_is_known"
            ),
            models.CheckConstraint(condition=~Q(body=""), name="disputes_note_says_something"),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return f"{self.kind} {self.created_at:%Y-%m-%d %H:%M}"


class CaseCredit(models.Model):
    """Money given back in a case: two people, one approval, one correction in the ledger."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="credit")
    approval = models.OneToOneField("staff.Approval", on_delete=models.PROTECT, related_name="+")
    amount_minor = models.BigIntegerField("amount (minor units)")
    currency = models.CharField(max_length=3)
    correction_event_id = models.CharField("correction", max_length=128, unique=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0), name="disputes_credit_amount_positive"
            ),
            models.CheckConstraint(
                condition=~Q(requested_by=F("approved_by")),
                name="disputes_credit_approved_by_a_second_person",
            ),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return self.correction_event_id
