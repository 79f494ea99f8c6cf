from typing import override

from django.db import models
from django.db.models import F, Q

from apps.core.triggers import append_only
from apps.reconciliation.enums import PullState


class PullCursor(models.Model):
    """How far one pull of one day's round log has come.

    It moves in the transaction that records the page it passes, and a page's bytes are stored
    before that, so a crash repeats at most one page. ``attempt`` counts the pulls of the day: a
    day is pulled again for late rows, and each pull starts at page one.
    """

    provider = models.ForeignKey("providers.Provider", on_delete=models.PROTECT, related_name="+")
    day = models.DateField("provider's day")
    attempt = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=16, choices=PullState.choices, default=PullState.PULLING)
    next_page = models.PositiveIntegerField(default=1)
    pages = models.PositiveIntegerField("pages announced", null=True, blank=True)
    rows = models.BigIntegerField("rows so far", default=0)
    last_error = models.CharField(max_length=300, blank=True)
    not_before = models.DateTimeField("wait until", null=True, blank=True)
    started_at = models.DateTimeField()
    moved_at = models.DateTimeField()
    statement = models.ForeignKey(
        "reconciliation.StatementFile",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta:
        permissions = [("pull_rounds", "Can pull a provider's round log")]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "day"], name="reconciliation_cursor_once_per_day"
            ),
            models.CheckConstraint(
                condition=Q(state__in=PullState.values),
                name="reconciliation_cursor_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(next_page__gte=1)
                & (Q(pages__isnull=True) | Q(next_page__lte=F("pages") + 1)),
                name="reconciliation_cursor_stays_within_pages",
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.day} page {self.next_page}"


class PulledPage(models.Model):
    """One page of a round log export as it came, kept as evidence."""

    provider = models.ForeignKey("providers.Provider", on_delete=models.PROTECT, related_name="+")
    day = models.DateField("provider's day")
    attempt = models.PositiveIntegerField()
    page = models.PositiveIntegerField()
    sha256 = models.CharField("SHA-256", max_length=64)
    rows_sha256 = models.CharField("SHA-256 of the rows", max_length=64)
    raw_key = models.CharField("stored file", max_length=255)
    rows = models.PositiveIntegerField()
    fetched_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "day", "attempt", "page"],
                name="reconciliation_page_once_per_attempt",
            ),
        ]
        triggers = append_only()

    @override
    def __str__(self) -> str:
        return f"{self.day} page {self.page}"
