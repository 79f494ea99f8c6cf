from datetime import timedelta
from typing import Final, override

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.core.history import history_records
from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.providers.models.provider import Game

OVERRIDE_LIMIT: Final = timedelta(days=7)


class GateOverride(models.Model):
    """Two people let a game be served without proof, for a short time; the law is never lifted.

    It stands in for a missing or broken report only. A prohibited product, an RTP below the legal
    floor and a game that is switched off stay refused.
    """

    game = models.ForeignKey(Game, on_delete=models.PROTECT, related_name="overrides")
    jurisdiction = models.CharField(max_length=16)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField("expires")
    reason = models.TextField()
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    approval = models.OneToOneField("staff.Approval", on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField("ended early", null=True, blank=True)
    created_at = models.DateTimeField()

    history = history_records()

    class Meta:
        permissions = [("approve_gateoverride", "Can approve overrides of the launch gate")]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")),
                name="providers_override_ends_after_it_starts",
            ),
            models.CheckConstraint(
                # Not of what ended: what was given before this was refused can be ended.
                condition=~Q(jurisdiction=REHEARSAL_JURISDICTION) | Q(ended_at__isnull=False),
                name="providers_open_override_is_in_no_rehearsal",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__lte=F("starts_at") + models.Value(OVERRIDE_LIMIT)),
                name="providers_override_lasts_a_week_at_most",
            ),
            models.CheckConstraint(
                condition=~Q(requested_by=F("approved_by")),
                name="providers_override_is_given_by_two_people",
            ),
            models.CheckConstraint(
                condition=~Q(reason=""), name="providers_override_has_its_reason"
            ),
        ]
        indexes = [
            models.Index(fields=["game", "jurisdiction"], name="providers_override_of_game"),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="only_its_end_changes",
                fields=[
                    "game",
                    "jurisdiction",
                    "starts_at",
                    "ends_at",
                    "reason",
                    "requested_by",
                    "approved_by",
                    "approval",
                    "created_at",
                ],
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.game} in {self.jurisdiction} until {self.ends_at:%Y-%m-%d %H:%M} UTC"
