from typing import override

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.providers.models.provider import Game


class OfferWithdrawal(models.Model):
    """A game is not offered in a jurisdiction for a time, by a person's decision.

    The offer of the catalogue stays, so that loading the provider's file again does not bring the
    game back; only a person does, with a reason of its own.
    """

    game = models.ForeignKey(Game, on_delete=models.PROTECT, related_name="withdrawals")
    jurisdiction = models.CharField(max_length=16)
    withdrawn_at = models.DateTimeField()
    reason = models.TextField()
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    restored_at = models.DateTimeField(null=True, blank=True)
    restore_reason = models.TextField(blank=True)
    restored_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["game", "jurisdiction"],
                condition=Q(restored_at=None),
                name="providers_offer_withdrawn_once_at_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(reason=""), name="providers_withdrawal_has_its_reason"
            ),
            models.CheckConstraint(
                condition=Q(restored_at=None, restored_by=None, restore_reason="")
                | (
                    Q(restored_at__gte=F("withdrawn_at"), restored_by__isnull=False)
                    & ~Q(restore_reason="")
                ),
                name="providers_withdrawal_is_restored_by_somebody_for_a_reason",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="decision_never_changes",
                fields=["game", "jurisdiction", "withdrawn_at", "reason", "withdrawn_by"],
            ),
            pgtrigger.Protect(
                name="restored_for_good",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__restored_at__isnull=False),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"withdrawn in {self.jurisdiction} at {self.withdrawn_at:%Y-%m-%d %H:%M} UTC"
