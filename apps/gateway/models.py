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
        return f"{self.code} {self.day}"
