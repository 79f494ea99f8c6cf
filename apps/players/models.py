from typing import override

from django.db import models
from django.db.models import Q

from apps.core.history import history_records
from apps.players.enums import KycStatus, LimitKind, PlayerStatus


class Player(models.Model):
    """The operator's mirror of a player: who plays, in which currency and jurisdiction.

    Identity belongs to the operator; a provider only ever sees ``player_ref``. The currency is
    fixed for life because every ledger account of the player is kept in it.
    """

    player_ref = models.CharField("player", max_length=128, unique=True)
    currency = models.CharField(max_length=3)
    jurisdiction = models.CharField(max_length=16)
    kyc_status = models.CharField("KYC", max_length=16, choices=KycStatus.choices)
    status = models.CharField(
        max_length=16, choices=PlayerStatus.choices, default=PlayerStatus.ACTIVE
    )
    date_of_birth = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField()

    history = history_records()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=PlayerStatus.values),
                name="players_player_status_is_known",
            ),
            models.CheckConstraint(
                condition=Q(kyc_status__in=KycStatus.values),
                name="players_player_kyc_status_is_known",
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"),
                name="players_player_currency_is_a_code",
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.player_ref


class Limit(models.Model):
    """A protection limit of one player, in minor units of the player's currency.

    The lowest limit in force wins. Rows are added, not edited, so that what applied at a moment
    can always be told.
    """

    player = models.ForeignKey(Player, on_delete=models.PROTECT, related_name="limits")
    kind = models.CharField(max_length=16, choices=LimitKind.choices)
    amount_minor = models.BigIntegerField("amount (minor units)")
    effective_from = models.DateTimeField()
    effective_until = models.DateTimeField(null=True, blank=True)

    history = history_records()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_minor__gte=0), name="players_limit_amount_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(effective_until__isnull=True)
                | Q(effective_until__gt=models.F("effective_from")),
                name="players_limit_ends_after_it_starts",
            ),
        ]
        indexes = [
            models.Index(fields=["player", "kind"], name="players_limit_player_kind"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.kind} {self.amount_minor}"
