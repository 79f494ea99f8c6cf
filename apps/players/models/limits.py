from typing import override

import pgtrigger
from django.db import models
from django.db.models import F, Q

from apps.core.history import history_records
from apps.core.triggers import any_change
from apps.players.enums import TIME_KINDS, LimitKind, Source
from apps.players.models.player import Player


class Limit(models.Model):
    """A protection limit of one player: minor units of the player's currency, or minutes of play.

    The lowest limit in force wins. Rows are added and ended, not edited, so that what applied at
    a moment can always be told. One that starts later is a pending change; it may be cancelled
    until it starts.
    """

    player = models.ForeignKey(Player, on_delete=models.PROTECT, related_name="limits")
    kind = models.CharField(max_length=16, choices=LimitKind.choices)
    amount_minor = models.BigIntegerField("amount (minor units)", null=True, blank=True)
    minutes = models.PositiveIntegerField(null=True, blank=True)
    effective_from = models.DateTimeField()
    effective_until = models.DateTimeField(null=True, blank=True)
    source = models.CharField(max_length=16, choices=Source.choices, default=Source.STAFF)
    asked_by = models.CharField(max_length=150, default="", blank=True)
    reason = models.TextField(default="", blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    history = history_records()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_minor__gte=0), name="players_limit_amount_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(effective_until__isnull=True)
                | Q(effective_until__gt=F("effective_from")),
                name="players_limit_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=LimitKind.values), name="players_limit_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(source__in=Source.values), name="players_limit_source_is_known"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=TIME_KINDS, amount_minor__isnull=True, minutes__isnull=False)
                | (~Q(kind__in=TIME_KINDS) & Q(amount_minor__isnull=False, minutes__isnull=True)),
                name="players_limit_measures_money_or_minutes",
            ),
            models.CheckConstraint(
                condition=Q(cancelled_at__isnull=True) | Q(cancelled_at__lt=F("effective_from")),
                name="players_limit_cancelled_before_it_starts",
            ),
        ]
        indexes = [
            models.Index(fields=["player", "kind"], name="players_limit_player_kind"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="terms_never_change",
                operation=pgtrigger.Update,
                condition=any_change(
                    "player", "kind", "amount_minor", "minutes", "effective_from", "source"
                ),
            ),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
        ]

    @override
    def __str__(self) -> str:
        amount = self.minutes if self.amount_minor is None else self.amount_minor
        return f"{self.kind} {amount}"
