from typing import override

from django.db import models
from django.db.models import Q

from apps.players.models.player import Player


class HourTally(models.Model):
    """What a player staked, won, paid in and played in one hour of UTC.

    Limits add up hours instead of reading events. Written in the transaction of the round, under
    the player's wallet locks. ``slots`` has one bit for each five minutes with a stake in them.
    """

    pk = models.CompositePrimaryKey("player_id", "hour")
    player = models.ForeignKey(Player, on_delete=models.PROTECT, related_name="+", db_index=False)
    hour = models.DateTimeField()
    staked_minor = models.BigIntegerField(default=0)
    won_minor = models.BigIntegerField(default=0)
    deposited_minor = models.BigIntegerField(default=0)
    slots = models.IntegerField(default=0)
    checks = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(staked_minor__gte=0), name="players_hourtally_stake_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(won_minor__gte=0), name="players_hourtally_win_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(deposited_minor__gte=0), name="players_hourtally_deposit_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(slots__gte=0, slots__lt=4096),
                name="players_hourtally_has_twelve_slots",
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.player_id} {self.hour:%Y-%m-%d %H}h"
