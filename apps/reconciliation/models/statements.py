from typing import override

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.core.triggers import never_truncated
from apps.reconciliation.enums import FileFormat, StatementSource, StatementState


class StatementFile(models.Model):
    """A provider's round log of one day, kept as it came, with what reading it gave.

    The newest file of a day is the one in use; an older one stays as evidence and names its
    successor. The same bytes are taken once for ever, so an old file can't come back by itself. A
    refused file is kept too, for its sender must be told what was wrong with it.
    """

    provider = models.ForeignKey("providers.Provider", on_delete=models.PROTECT, related_name="+")
    day = models.DateField("provider's day", null=True, blank=True)
    state = models.CharField(max_length=16, choices=StatementState.choices)
    source = models.CharField(max_length=16, choices=StatementSource.choices)
    sha256 = models.CharField("SHA-256", max_length=64)
    size_bytes = models.BigIntegerField("size (bytes)")
    original_name = models.CharField("file", max_length=255)
    format = models.CharField(max_length=8, choices=FileFormat.choices, blank=True)
    is_gzip = models.BooleanField("compressed", default=False)
    raw_key = models.CharField("stored file", max_length=255, blank=True)
    parquet_key = models.CharField("stored rows", max_length=255, blank=True)
    parquet_sha256 = models.CharField("SHA-256 of the stored rows", max_length=64, blank=True)
    rows_total = models.BigIntegerField("rows", default=0)
    rows_good = models.BigIntegerField("good rows", default=0)
    rows_bad = models.BigIntegerField("bad rows", default=0)
    rows_demo = models.BigIntegerField("rows of demo play", default=0)
    rows_other_day = models.BigIntegerField("rows of another day", default=0)
    problem_counts = models.JSONField("problems by kind", default=dict)
    problems = models.JSONField("problems", default=list)
    changes = models.JSONField("against the file before", default=dict)
    refusal_code = models.CharField("refused for", max_length=64, blank=True)
    refusal_detail = models.TextField("refusal", blank=True)
    superseded_by = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    imported_at = models.DateTimeField()
    imported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        permissions = [("import_statement", "Can import a provider's statement")]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "sha256"],
                condition=~Q(state=StatementState.REFUSED),
                name="reconciliation_statement_taken_once",
            ),
            models.UniqueConstraint(
                fields=["provider", "sha256"],
                condition=Q(state=StatementState.REFUSED),
                name="reconciliation_statement_refused_once",
            ),
            models.UniqueConstraint(
                fields=["provider", "day"],
                condition=Q(state=StatementState.IMPORTED),
                name="reconciliation_statement_one_in_use_per_day",
            ),
            models.CheckConstraint(
                condition=Q(state__in=StatementState.values),
                name="reconciliation_statement_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(state=StatementState.REFUSED)
                | (Q(day__isnull=False) & ~Q(parquet_key="") & Q(refusal_code="")),
                name="reconciliation_statement_taken_has_day_and_rows",
            ),
            models.CheckConstraint(
                condition=~Q(state=StatementState.REFUSED)
                | (~Q(refusal_code="") & Q(parquet_key="")),
                name="reconciliation_statement_refused_has_a_code_and_no_rows",
            ),
            models.CheckConstraint(
                condition=Q(state=StatementState.SUPERSEDED, superseded_by__isnull=False)
                | (~Q(state=StatementState.SUPERSEDED) & Q(superseded_by__isnull=True)),
                name="reconciliation_statement_superseded_names_its_successor",
            ),
            models.CheckConstraint(
                condition=Q(rows_total=F("rows_good") + F("rows_bad") + F("rows_demo"))
                & Q(rows_other_day__lte=F("rows_good")),
                name="reconciliation_statement_rows_add_up",
            ),
        ]
        indexes = [
            models.Index(fields=["provider", "-day"], name="reconciliation_stmt_by_day"),
            models.Index(fields=["state", "-imported_at"], name="reconciliation_stmt_by_state"),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="evidence_never_changes",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(exclude=["state", "superseded_by"]),
            ),
            never_truncated(),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.original_name} ({self.day or 'no day'})"
