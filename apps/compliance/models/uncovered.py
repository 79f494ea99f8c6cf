"""The ledger of uncertified play: what was served, and played, while nothing covered it."""

from typing import override

import pgtrigger
from django.db import models
from django.db.models import F, Q


class UncoveredDay(models.Model):
    """A game on offer in a jurisdiction that was not covered for some minutes of a day of UTC.

    It is worked out from the register and the rounds, for the last days again and again, until
    late events can't come any more. A report that is registered late may take minutes away; the
    row stays and says when it was looked at last.
    """

    day = models.DateField("day (UTC)")
    game = models.ForeignKey("providers.Game", on_delete=models.PROTECT, related_name="+")
    jurisdiction = models.CharField(max_length=16)
    minutes = models.PositiveSmallIntegerField("minutes without cover")
    first_minutes = models.PositiveSmallIntegerField("minutes as first seen")
    reasons = models.CharField("what spoke against cover", max_length=500)
    first_seen_at = models.DateTimeField()
    computed_at = models.DateTimeField("looked at last")

    class Meta:
        verbose_name_plural = "uncertified play by day"
        constraints = [
            models.UniqueConstraint(
                fields=["day", "game", "jurisdiction"], name="compliance_uncovered_once_a_day"
            ),
            models.CheckConstraint(
                condition=Q(minutes__lte=1440) & Q(first_minutes__lte=1440),
                name="compliance_uncovered_day_has_1440_minutes",
            ),
        ]
        indexes = [models.Index(fields=["-day", "game"], name="compliance_uncovered_by_day")]
        triggers = [pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)]

    @override
    def __str__(self) -> str:
        return f"{self.day} in {self.jurisdiction}"


class UncertifiedPlay(models.Model):
    """What was played in the minutes without cover, in one currency and its minor units.

    A report that covers the day after all, or a rollback, takes play away; the most that was ever
    counted stays, since it was played while nobody had proof.
    """

    uncovered = models.ForeignKey(UncoveredDay, on_delete=models.PROTECT, related_name="play")
    currency = models.CharField(max_length=3)
    rounds = models.PositiveIntegerField()
    players = models.PositiveIntegerField()
    stake_minor = models.BigIntegerField("stake (minor units)")
    win_minor = models.BigIntegerField("win (minor units)")
    most_rounds = models.PositiveIntegerField("most rounds counted")
    most_players = models.PositiveIntegerField("most players counted")
    most_stake_minor = models.BigIntegerField("most stake counted (minor units)")
    first_at = models.DateTimeField("first played")
    last_at = models.DateTimeField("last played")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["uncovered", "currency"], name="compliance_play_once_per_currency"
            ),
            models.CheckConstraint(
                condition=Q(stake_minor__gte=0) & Q(win_minor__gte=0),
                name="compliance_play_sums_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(most_rounds__gte=F("rounds"))
                & Q(most_players__gte=F("players"))
                & Q(most_stake_minor__gte=F("stake_minor")),
                name="compliance_play_most_is_never_less",
            ),
            models.CheckConstraint(
                condition=Q(last_at__gte=F("first_at")),
                name="compliance_play_ends_after_it_begins",
            ),
        ]
        triggers = [pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)]

    @override
    def __str__(self) -> str:
        return f"{self.rounds} rounds in {self.currency}"
