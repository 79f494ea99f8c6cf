from typing import ClassVar, override

from django.db import models
from django.db.models import Q

from apps.core.history import history_records
from apps.players.enums import KycStatus, PlayerStatus


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

    personal_fields: ClassVar[tuple[str, ...]] = ("date_of_birth",)

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


class PlayerProtection(Player):
    """A player seen by the officer who protects them: the same row, a page of its own."""

    class Meta:
        proxy = True
        verbose_name = "player protection"
        verbose_name_plural = "player protection"
        permissions = [
            ("set_limit", "Can set and cancel limits for a player"),
            ("exclude_player", "Can exclude a player"),
            ("end_exclusion", "Can end a player's exclusion"),
            ("close_account", "Can close a player's account"),
        ]
