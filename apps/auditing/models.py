"""Samples that auditors drew, and what they took away."""

from typing import override

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.auditing.enums import IN_THE_QUEUE, OVER, ExportFormat, ExportState
from apps.core.triggers import any_change, append_only, never_truncated


class NarrowedRows(models.Model):
    """A part of a population, named so that it is the same part whenever it is asked again."""

    population = models.CharField(max_length=40)
    since = models.DateTimeField("from")
    until = models.DateTimeField("until (not included)")
    provider_code = models.CharField("provider", max_length=32, blank=True)
    jurisdiction = models.CharField(max_length=16, blank=True)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(until__gt=F("since")),
                name="%(app_label)s_%(class)s_period_ends_after_it_begins",
            ),
        ]


class Sample(NarrowedRows):
    """Rows drawn from a population by a seed, in a way that anybody can repeat.

    The members are those with the lowest SHA-256 of "SEED:ID", in that order. Period, filters and
    ``last_id`` freeze the population, so the same seed gives the same members for good. Every draw
    is kept: whoever tries seeds until they like the sample is seen doing so.
    """

    last_id = models.BigIntegerField("highest id at the time")
    seed = models.CharField(max_length=64)
    size = models.PositiveIntegerField("asked for")
    population_size = models.PositiveBigIntegerField("rows in the population")
    members_count = models.PositiveIntegerField("members")
    members_sha256 = models.CharField("SHA-256 of the members' ids", max_length=64)
    purpose = models.TextField()
    drawn_at = models.DateTimeField()
    drawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )

    class Meta(NarrowedRows.Meta):
        default_permissions = ("view", "add")
        constraints = [
            *NarrowedRows.Meta.constraints,
            models.CheckConstraint(
                condition=Q(members_count=models.functions.Least(F("size"), F("population_size")))
                & Q(members_count__gte=1),
                name="auditing_sample_is_full_or_the_whole_population",
            ),
            models.CheckConstraint(
                condition=Q(seed__regex=r"^[!-~]{1,64}$")
                & Q(members_sha256__regex="^[0-9a-f]{64}$"),
                name="auditing_sample_names_its_seed_and_members",
            ),
            models.CheckConstraint(
                condition=~Q(purpose="") & Q(until__lte=F("drawn_at")),
                name="auditing_sample_has_a_purpose_and_looks_back",
            ),
        ]
        triggers = append_only()

    @override
    def __str__(self) -> str:
        return f"Sample {self.pk}"


class SampleMember(models.Model):
    """One row that the seed chose: its place in the draw, its id, and how people call it."""

    sample = models.ForeignKey(Sample, on_delete=models.PROTECT, related_name="members")
    place = models.PositiveIntegerField()
    member_id = models.BigIntegerField("id")
    reference = models.CharField(max_length=200)

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["sample", "place"], name="auditing_samplemember_one_per_place"
            ),
            models.UniqueConstraint(
                fields=["sample", "member_id"], name="auditing_samplemember_drawn_once"
            ),
            models.CheckConstraint(
                condition=Q(place__gte=1), name="auditing_samplemember_places_from_one"
            ),
        ]
        triggers = append_only()

    @override
    def __str__(self) -> str:
        return self.reference


class Export(NarrowedRows):
    """Rows that somebody took away: which, when, why, with which hashes.

    Of a whole narrowing, or of a sample's members. What was asked never changes, and what was made
    never changes; the file itself is dropped after a while, its hashes stay. What
    ``needs_second_person`` (``why_second_person``) waits until another person has agreed.
    """

    sample = models.ForeignKey(
        Sample, on_delete=models.PROTECT, null=True, blank=True, related_name="exports"
    )
    with_personal_data = models.BooleanField("personal data shown", default=False)
    file_format = models.CharField(
        "format", max_length=8, choices=ExportFormat.choices, default=ExportFormat.CSV
    )
    reason = models.TextField()
    needs_second_person = models.BooleanField(default=False)
    why_second_person = models.CharField("why two people", max_length=200, blank=True)
    approval = models.ForeignKey(
        "staff.Approval", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    requested_at = models.DateTimeField()
    state = models.CharField(
        max_length=16, choices=ExportState.choices, default=ExportState.WAITING
    )
    begun_at = models.DateTimeField("last begun", null=True, blank=True)
    attempts = models.PositiveSmallIntegerField("times begun", default=0)
    rows_written = models.PositiveBigIntegerField(default=0)
    failure = models.CharField(max_length=300, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    storage_key = models.CharField(max_length=128, blank=True)
    sha256 = models.CharField("SHA-256 of the file", max_length=64, blank=True)
    size_bytes = models.PositiveBigIntegerField("size (bytes)", default=0)
    manifest = models.JSONField(null=True, blank=True)
    dropped_at = models.DateTimeField("file dropped", null=True, blank=True)

    class Meta(NarrowedRows.Meta):
        default_permissions = ("view", "add")
        permissions = [("approve_export", "Can agree to exports that want a second person")]
        constraints = [
            *NarrowedRows.Meta.constraints,
            models.CheckConstraint(
                condition=(
                    Q(state=ExportState.READY, finished_at__isnull=False, failure="")
                    & Q(sha256__regex="^[0-9a-f]{64}$", manifest__isnull=False)
                    & ~Q(storage_key="")
                )
                | (
                    Q(state=ExportState.FAILED, finished_at__isnull=False, storage_key="")
                    & ~Q(failure="")
                )
                | Q(
                    state=ExportState.CANCELLED,
                    finished_at__isnull=False,
                    storage_key="",
                    failure="",
                )
                | Q(
                    state__in=[ExportState.AWAITING, *IN_THE_QUEUE],
                    finished_at__isnull=True,
                    storage_key="",
                    failure="",
                ),
                name="auditing_export_ready_has_its_file_and_failed_its_reason",
            ),
            models.CheckConstraint(
                condition=~Q(reason="") & Q(until__lte=F("requested_at")),
                name="auditing_export_has_a_reason_and_looks_back",
            ),
            models.CheckConstraint(
                condition=Q(file_format__in=ExportFormat.values),
                name="auditing_export_format_is_known",
            ),
            models.CheckConstraint(
                condition=Q(needs_second_person=False)
                | ~Q(state__in=[*IN_THE_QUEUE, ExportState.READY])
                | Q(approval__isnull=False, approved_by__isnull=False),
                name="auditing_export_for_two_is_made_when_both_agreed",
            ),
            # What is over may be older than the rule; nothing begins as over.
            models.CheckConstraint(
                condition=Q(with_personal_data=False)
                | Q(needs_second_person=True)
                | Q(state__in=OVER),
                name="auditing_export_with_personal_data_is_for_two",
            ),
            models.CheckConstraint(
                condition=Q(needs_second_person=True)
                | Q(approval__isnull=True, approved_by__isnull=True),
                name="auditing_export_agreed_to_where_two_are_needed",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("requested_by")),
                name="auditing_export_second_person_is_another",
            ),
            models.CheckConstraint(
                condition=~Q(needs_second_person=True, why_second_person=""),
                name="auditing_export_for_two_says_why",
            ),
            models.CheckConstraint(
                condition=Q(dropped_at__isnull=True) | Q(state=ExportState.READY),
                name="auditing_export_dropped_was_made",
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=Q(state__in=IN_THE_QUEUE),
                name="auditing_export_to_make",
            ),
            models.Index(
                fields=["finished_at"],
                condition=Q(state=ExportState.READY, dropped_at__isnull=True),
                name="auditing_export_kept",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            never_truncated(),
            pgtrigger.Protect(
                name="request_never_changes",
                operation=pgtrigger.Update,
                condition=any_change(
                    "population",
                    "since",
                    "until",
                    "provider_code",
                    "jurisdiction",
                    "sample",
                    "with_personal_data",
                    "file_format",
                    "needs_second_person",
                    "why_second_person",
                    "reason",
                    "requested_by",
                    "requested_at",
                ),
            ),
            pgtrigger.Protect(
                name="begins_before_it_is_made",
                operation=pgtrigger.Insert,
                condition=~pgtrigger.Q(
                    new__state__in=[str(ExportState.AWAITING), str(ExportState.WAITING)]
                ),
            ),
            pgtrigger.Protect(
                name="consent_given_once",
                operation=pgtrigger.Update,
                condition=(pgtrigger.Q(old__approval__isnull=False) & any_change("approval"))
                | (pgtrigger.Q(old__approved_by__isnull=False) & any_change("approved_by")),
            ),
            pgtrigger.Protect(
                name="made_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state__in=[str(state) for state in OVER])
                & any_change(
                    "state",
                    "sha256",
                    "storage_key",
                    "manifest",
                    "finished_at",
                    "approval",
                    "approved_by",
                ),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"Export {self.pk}"
