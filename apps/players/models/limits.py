from typing import override

import pgtrigger
from django.db import models
from django.db.models import F, Q

from apps.core.history import history_records
from apps.core.triggers import any_change
from apps.players.enums import MINUTE_KINDS, LimitKind, Source
from apps.players.models.player import Player

# Ending a limit without a lower or equal one that takes over raises or removes it. Checked where it
# is written, because no check constraint sees other rows.
_HELD_BY_A_MOVE = """
    IF NEW.effective_until < coalesce(OLD.effective_until, 'infinity')
        AND EXISTS (
            SELECT 1 FROM players_move m
            WHERE m.player_id = NEW.player_id AND m.raises_held_until > NEW.effective_until
        )
        AND NOT EXISTS (
            SELECT 1 FROM players_limit l
            WHERE l.player_id = NEW.player_id AND l.kind = NEW.kind AND l.source = NEW.source
            AND l.id <> NEW.id AND l.cancelled_at IS NULL
            AND l.effective_from <= NEW.effective_until
            AND coalesce(l.effective_until, 'infinity') > NEW.effective_until
            AND coalesce(l.amount_minor, l.minutes) <= coalesce(NEW.amount_minor, NEW.minutes)
        )
    THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation',
            CONSTRAINT = 'players_limit_raised_no_sooner_than_a_move_allows',
            MESSAGE = 'players_limit_raised_no_sooner_than_a_move_allows';
    END IF;
    RETURN NEW;
"""


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
                condition=Q(kind__in=MINUTE_KINDS, amount_minor__isnull=True, minutes__isnull=False)
                | (~Q(kind__in=MINUTE_KINDS) & Q(amount_minor__isnull=False, minutes__isnull=True)),
                name="players_limit_measures_money_or_minutes",
            ),
            models.CheckConstraint(
                condition=~Q(kind=LimitKind.REALITY_CHECK) | Q(minutes__gte=1),
                name="players_limit_reality_checks_are_a_minute_apart",
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
            pgtrigger.Trigger(
                name="held_by_a_move",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=any_change("effective_until"),
                func=_HELD_BY_A_MOVE,
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.get_kind_display()
