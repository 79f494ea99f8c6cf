from typing import override

from django.db import models


class Rejection(models.Model):
    """Refused input, counted: the bounded trace that bad traffic leaves.

    One row per provider, reason and day. Nothing of the request is kept but the last event id
    and a short detail, so a flood of forged calls costs one row, not a disk.
    """

    provider = models.ForeignKey(
        "providers.Provider", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    code = models.CharField(max_length=48)
    day = models.DateField()
    count = models.BigIntegerField()
    last_event_id = models.CharField("last event", max_length=128, blank=True)
    last_detail = models.CharField(max_length=200, blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        verbose_name = "refused callback"
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "code", "day"],
                nulls_distinct=False,
                name="gateway_rejection_once_per_provider_code_and_day",
            ),
            models.CheckConstraint(
                condition=models.Q(count__gt=0), name="gateway_rejection_counts_something"
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.code.replace('_', ' ')}, {self.day}"


class SpoolReport(models.Model):
    """What one gateway last said of the deliveries that wait on its disk.

    ``gateway`` names the machine and the folder: a folder has one gateway, whichever process holds
    it. ``reported_at`` says how old the figures are: without the database nobody can report.
    """

    gateway = models.CharField(max_length=255, unique=True)
    waiting = models.PositiveIntegerField()
    waiting_bytes = models.PositiveBigIntegerField()
    oldest_at = models.DateTimeField("oldest received", null=True)
    set_aside = models.PositiveIntegerField()
    most_waiting = models.PositiveIntegerField()
    most_bytes = models.PositiveBigIntegerField()
    drained_at = models.DateTimeField("last brought in", null=True)
    reported_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(waiting=0, waiting_bytes=0, oldest_at__isnull=True)
                | models.Q(waiting__gt=0, waiting_bytes__gt=0, oldest_at__isnull=False),
                name="gateway_spool_has_an_oldest_where_something_waits",
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.gateway
