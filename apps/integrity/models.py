"""What game servers run, measured, against what the laboratory certified."""

from typing import override

import pgtrigger
from django.db import models
from django.db.models import Q

from apps.core.history import history_records
from apps.core.triggers import any_change, append_only
from apps.integrity.enums import (
    FaultKind,
    FaultState,
    LineVerdict,
    OnMismatch,
    ReportSource,
)


class DigestReport(models.Model):
    """One report of digests, once: the provider's own id for it is the idempotency key.

    ``measured_at`` is the game server's clock, ``received_at`` ours.
    """

    provider = models.ForeignKey("providers.Provider", on_delete=models.PROTECT, related_name="+")
    report_ref = models.CharField("report", max_length=128)
    source = models.CharField(max_length=8, choices=ReportSource.choices)
    content_hash = models.CharField("SHA-256 of the content", max_length=64)
    measured_at = models.DateTimeField()
    received_at = models.DateTimeField()
    received_from = models.CharField("came from", max_length=150)

    class Meta:
        permissions = [("import_digests", "Can import digest reports")]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "report_ref"], name="integrity_report_once_per_provider"
            ),
            models.CheckConstraint(
                condition=Q(source__in=ReportSource.values),
                name="integrity_report_source_is_known",
            ),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return self.report_ref


class MeasuredFile(models.Model):
    """One file of a report, with what the register said to it when it came."""

    report = models.ForeignKey(DigestReport, on_delete=models.PROTECT, related_name="files")
    game = models.ForeignKey("providers.Game", on_delete=models.PROTECT, related_name="+")
    build_version = models.CharField(max_length=64, blank=True)
    path = models.CharField(max_length=255)
    algorithm = models.CharField(max_length=8)
    seed = models.CharField("seed (hex)", max_length=8, blank=True)
    digest = models.CharField(max_length=64)
    verdict = models.CharField(max_length=16, choices=LineVerdict.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["report", "game", "path", "algorithm", "seed"],
                name="integrity_file_once_per_report",
            ),
            models.CheckConstraint(
                condition=Q(verdict__in=LineVerdict.values),
                name="integrity_file_verdict_is_known",
            ),
        ]
        indexes = [models.Index(fields=["game", "-report"], name="integrity_newest_of_game")]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return f"{self.path} ({self.algorithm})"


class Fault(models.Model):
    """A file that is not the certified one, or was not measured. Critical while it is open.

    It is closed by a later report in which the file is right, or by two people who accept this
    very digest. At most one is open for a file. It keeps its file and kind: a wrong file that is
    not reported any more is still the wrong file.
    """

    game = models.ForeignKey("providers.Game", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=FaultKind.choices)
    path = models.CharField(max_length=255)
    algorithm = models.CharField(max_length=8)
    seed = models.CharField("seed (hex)", max_length=8, blank=True)
    certified = models.CharField("certified digests", max_length=700)
    reported = models.CharField("reported digest", max_length=64, blank=True)
    held_to = models.CharField("held to build", max_length=255, blank=True)
    looks_like = models.CharField("digest is that of build", max_length=255, blank=True)
    report = models.ForeignKey(DigestReport, on_delete=models.PROTECT, related_name="faults")
    state = models.CharField(max_length=16, choices=FaultState.choices, default=FaultState.OPEN)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closing_note = models.CharField(max_length=300, blank=True)

    class Meta:
        permissions = [
            ("request_acceptance", "Can ask to accept a digest that is not the certified one"),
            ("approve_acceptance", "Can agree to accept a digest that is not the certified one"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["game", "path", "algorithm", "seed"],
                condition=Q(state=FaultState.OPEN),
                name="integrity_fault_one_open_per_file",
            ),
            models.CheckConstraint(
                condition=Q(state__in=FaultState.values) & Q(kind__in=FaultKind.values),
                name="integrity_fault_state_and_kind_are_known",
            ),
            models.CheckConstraint(
                condition=Q(state=FaultState.OPEN, closed_at__isnull=True, closing_note="")
                | (~Q(state=FaultState.OPEN) & Q(closed_at__isnull=False) & ~Q(closing_note="")),
                name="integrity_fault_closed_at_a_time_with_a_note",
            ),
            models.CheckConstraint(
                condition=Q(kind=FaultKind.MISSING, reported="")
                | (Q(kind=FaultKind.MISMATCH) & ~Q(reported="")),
                name="integrity_fault_names_what_was_reported",
            ),
        ]
        indexes = [
            models.Index(
                fields=["game"], name="integrity_open_fault", condition=Q(state=FaultState.OPEN)
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="closed_once",
                operation=pgtrigger.Update,
                condition=~pgtrigger.Q(old__state=FaultState.OPEN),
            ),
            pgtrigger.Protect(
                name="keeps_its_file_and_kind",
                operation=pgtrigger.Update,
                condition=any_change("game", "path", "algorithm", "seed", "kind"),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.path} ({self.algorithm})"


class AcceptedDigest(models.Model):
    """A digest that two people accepted beside the certified ones, for this file of this game."""

    fault = models.OneToOneField(Fault, on_delete=models.PROTECT, related_name="acceptance")
    game = models.ForeignKey("providers.Game", on_delete=models.PROTECT, related_name="+")
    path = models.CharField(max_length=255)
    algorithm = models.CharField(max_length=8)
    seed = models.CharField("seed (hex)", max_length=8, blank=True)
    digest = models.CharField(max_length=64)
    approval_id = models.BigIntegerField()
    accepted_at = models.DateTimeField()

    class Meta:
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return f"{self.path} {self.digest[:12]}"


class IntegrityPolicy(models.Model):
    """What a wrong digest does to a provider's game; without a row it closes it."""

    provider = models.OneToOneField(
        "providers.Provider", on_delete=models.PROTECT, related_name="+"
    )
    on_mismatch = models.CharField(
        max_length=8,
        choices=OnMismatch.choices,
        default=OnMismatch.CLOSE,
        help_text="Whether a file that is not the certified one closes the game: "
        "no session opens and those that run end. Money back is never refused.",
    )

    history = history_records()

    class Meta:
        verbose_name_plural = "integrity policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(on_mismatch__in=OnMismatch.values),
                name="integrity_policy_is_known",
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.provider_id}: {self.get_on_mismatch_display()}"
