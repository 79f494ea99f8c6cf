from typing import ClassVar, override

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.triggers import append_only, never_truncated
from apps.reconciliation.enums import BreakChangeKind, BreakClass, BreakState, RunState


class ReconciliationRun(models.Model):
    """One comparison of a day, with the exact inputs it had. A later run never changes it.

    ``ledger_sha256`` and the statement's hash say what was compared, so a result can be repeated
    and a swapped file is noticed. Ratios in ``variance`` are of the provider's turnover.
    """

    provider = models.ForeignKey("providers.Provider", on_delete=models.PROTECT, related_name="+")
    day = models.DateField("provider's day")
    state = models.CharField(max_length=20, choices=RunState.choices)
    statement = models.ForeignKey(
        "reconciliation.StatementFile",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    ledger_sha256 = models.CharField("SHA-256 of the ledger's side", max_length=64)
    ledger_events = models.BigIntegerField("events in our ledger")
    statement_rows = models.BigIntegerField("rows in the statement")
    statement_events = models.BigIntegerField("events in the statement")
    matched = models.BigIntegerField("events that agree")
    break_counts = models.JSONField("breaks by class")
    break_count = models.BigIntegerField("breaks")
    variance = models.JSONField("variance by currency")
    is_alert = models.BooleanField("alert")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    compare_milliseconds = models.PositiveIntegerField("time to compare (ms)")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        permissions = [("run_reconciliation", "Can start a reconciliation")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=RunState.values), name="reconciliation_run_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state=RunState.COMPLETE, statement__isnull=False)
                | Q(state=RunState.EMPTY_STATEMENT, statement__isnull=False, is_alert=True)
                | Q(state=RunState.NO_STATEMENT, statement__isnull=True, is_alert=True),
                name="reconciliation_run_without_a_statement_is_an_alert",
            ),
        ]
        indexes = [
            models.Index(
                fields=["provider", "-day", "-started_at"], name="reconciliation_run_latest"
            ),
        ]
        triggers = append_only()

    @override
    def __str__(self) -> str:
        return f"{self.day} run {self.pk}"


class Break(models.Model):
    """An event on which the provider and our ledger disagree. One per event and day, for ever.

    Running again finds the same break, not a new one. It closes by itself only when a later run
    finds both sides agreed, and opens again if they part again; every such change leaves a
    ``BreakChange``. Deltas are the statement minus our ledger, in minor units.
    """

    provider = models.ForeignKey("providers.Provider", on_delete=models.PROTECT, related_name="+")
    day = models.DateField("provider's day")
    event_id = models.CharField("event", max_length=128)
    break_class = models.CharField("class", max_length=24, choices=BreakClass.choices)
    state = models.CharField(max_length=16, choices=BreakState.choices)
    is_player_touched = models.BooleanField("touches a player")
    currency = models.CharField(max_length=3)
    delta_bet_minor = models.BigIntegerField("stake difference (minor units)")
    delta_win_minor = models.BigIntegerField("win difference (minor units)")
    ledger_facts = models.JSONField("our ledger says", null=True, blank=True)
    statement_facts = models.JSONField("the statement says", null=True, blank=True)
    first_run = models.ForeignKey(ReconciliationRun, on_delete=models.PROTECT, related_name="+")
    last_run = models.ForeignKey(ReconciliationRun, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    is_big_table: ClassVar[bool] = True

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "day", "event_id"], name="reconciliation_break_once_per_event"
            ),
            models.CheckConstraint(
                condition=Q(break_class__in=BreakClass.values),
                name="reconciliation_break_class_is_known",
            ),
            models.CheckConstraint(
                condition=Q(state=BreakState.OPEN, closed_at__isnull=True)
                | Q(state=BreakState.MATCHED_LATER, closed_at__isnull=False),
                name="reconciliation_break_closed_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(ledger_facts__isnull=False) | Q(statement_facts__isnull=False),
                name="reconciliation_break_has_a_side_that_speaks",
            ),
            models.CheckConstraint(
                condition=Q(break_class=BreakClass.DUPLICATE) | Q(is_player_touched=True),
                name="reconciliation_break_touches_a_player_unless_duplicate",
            ),
        ]
        indexes = [
            models.Index(
                fields=["provider", "-day"],
                condition=Q(state=BreakState.OPEN),
                name="reconciliation_break_open",
            ),
            models.Index(fields=["event_id"], name="reconciliation_break_by_event"),
            models.Index(fields=["-day", "-id"], name="reconciliation_break_newest"),
            models.Index(fields=["break_class", "-day"], name="reconciliation_break_by_class"),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="identity_never_changes",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "provider", "day", "event_id", "first_run", "opened_at"
                ),
            ),
            never_truncated(),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.event_id}: {self.get_break_class_display()}"


class BreakChange(models.Model):
    """What a run did to a break, with what both sides said then."""

    found_break = models.ForeignKey(
        Break, on_delete=models.PROTECT, related_name="changes", verbose_name="break"
    )
    run = models.ForeignKey(ReconciliationRun, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField("what happened", max_length=16, choices=BreakChangeKind.choices)
    break_class = models.CharField("class", max_length=24, choices=BreakClass.choices)
    ledger_facts = models.JSONField("our ledger said", null=True, blank=True)
    statement_facts = models.JSONField("the statement said", null=True, blank=True)
    created_at = models.DateTimeField()

    is_big_table: ClassVar[bool] = True

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["found_break", "run"], name="reconciliation_change_once_per_run"
            ),
        ]
        triggers = append_only()

    @override
    def __str__(self) -> str:
        return f"{self.get_kind_display()} by run {self.run_id}"
