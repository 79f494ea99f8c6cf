from typing import override

import pgtrigger
from django.db import models
from django.db.models import F, Q

from apps.core.triggers import any_change, append_only, never_truncated
from apps.players.enums import Ending, ExclusionKind, Source
from apps.players.models.player import Player


class Exclusion(models.Model):
    """A time in which a player is kept from playing: asked for once and never shortened.

    A time-out lapses at its end. A self-exclusion or a closure holds until somebody ends it, on
    request, not before ``earliest_end_at`` and after the jurisdiction's cooling-off; or never.
    To exclude for longer, another row is added: the longest one counts.
    """

    player = models.ForeignKey(Player, on_delete=models.PROTECT, related_name="exclusions")
    kind = models.CharField(max_length=16, choices=ExclusionKind.choices)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    ending = models.CharField(max_length=16, choices=Ending.choices)
    earliest_end_at = models.DateTimeField(null=True, blank=True)
    source = models.CharField(max_length=16, choices=Source.choices)
    asked_by = models.CharField(max_length=150)
    reason = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=ExclusionKind.values), name="players_exclusion_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(source__in=Source.values), name="players_exclusion_source_is_known"
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="players_exclusion_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=Q(
                    kind=ExclusionKind.TIME_OUT, ending=Ending.LAPSES, ends_at__isnull=False
                )
                | (
                    ~Q(kind=ExclusionKind.TIME_OUT)
                    & Q(ending__in=[Ending.ON_REQUEST, Ending.NEVER])
                ),
                name="players_exclusion_only_a_time_out_lapses",
            ),
            models.CheckConstraint(
                condition=Q(ending=Ending.NEVER, earliest_end_at__isnull=True)
                | Q(ending=Ending.LAPSES, earliest_end_at=F("ends_at"))
                | Q(ending=Ending.ON_REQUEST, earliest_end_at__gte=F("starts_at")),
                name="players_exclusion_says_when_it_may_end",
            ),
            models.CheckConstraint(
                condition=~Q(ending=Ending.ON_REQUEST)
                | Q(ends_at__isnull=True)
                | Q(earliest_end_at__gte=F("ends_at")),
                name="players_exclusion_is_not_ended_before_its_date",
            ),
        ]
        triggers = append_only()

    @override
    def __str__(self) -> str:
        return f"{self.kind} from {self.starts_at:%Y-%m-%d}"


# An exclusion that is over at this moment only by an end that was allowed: checked where it is
# written, because no check constraint sees the other table.
_ALLOWED_END = """
    IF NOT EXISTS (
        SELECT 1 FROM players_exclusion e WHERE e.id = NEW.exclusion_id
        AND e.ending = 'on_request' AND NEW.requested_at >= e.earliest_end_at
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation',
            CONSTRAINT = 'players_exclusionend_never_shortens_an_exclusion',
            MESSAGE = 'players_exclusionend_never_shortens_an_exclusion';
    END IF;
    RETURN NEW;
"""


class ExclusionEnd(models.Model):
    """The end of an exclusion, as asked for: it lets go at ``effective_at``, after a cooling-off.

    ``lifted_at`` is when the player's standing followed.
    """

    exclusion = models.OneToOneField(Exclusion, on_delete=models.PROTECT, related_name="end")
    requested_at = models.DateTimeField()
    effective_at = models.DateTimeField()
    source = models.CharField(max_length=16, choices=Source.choices)
    asked_by = models.CharField(max_length=150)
    reason = models.TextField()
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(effective_at__gte=F("requested_at")),
                name="players_exclusionend_holds_after_the_request",
            ),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True) | Q(lifted_at__gte=F("effective_at")),
                name="players_exclusionend_lifted_after_it_holds",
            ),
        ]
        indexes = [
            models.Index(
                fields=["effective_at"],
                condition=Q(lifted_at__isnull=True),
                name="players_exclusionend_to_lift",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="never_shortens",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=_ALLOWED_END,
            ),
            pgtrigger.Protect(
                name="terms_never_change",
                operation=pgtrigger.Update,
                condition=any_change(
                    "exclusion", "requested_at", "effective_at", "source", "asked_by", "reason"
                ),
            ),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            never_truncated(),
        ]

    @override
    def __str__(self) -> str:
        return f"end of exclusion {self.exclusion_id}"
