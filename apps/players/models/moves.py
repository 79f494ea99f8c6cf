from typing import override

from django.db import models
from django.db.models import F, Q

from apps.core.triggers import append_only
from apps.players.models.player import Player


class Move(models.Model):
    """A player went from one jurisdiction to another.

    What was asked for there can't be had sooner here: until ``raises_held_until``, the delay of the
    place that was left counted from the move, no limit of the player is raised or removed. It is
    what the last moment at the old place would have brought.
    """

    player = models.ForeignKey(Player, on_delete=models.PROTECT, related_name="+", db_index=False)
    left = models.CharField(max_length=16)
    entered = models.CharField(max_length=16)
    moved_at = models.DateTimeField()
    raises_held_until = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(left=F("entered")), name="players_move_goes_somewhere_else"
            ),
            models.CheckConstraint(
                condition=Q(raises_held_until__gte=F("moved_at")),
                name="players_move_holds_raises_from_the_move_on",
            ),
        ]
        indexes = [
            models.Index(fields=["player", "-raises_held_until"], name="players_move_held_until"),
        ]
        triggers = append_only()

    @override
    def __str__(self) -> str:
        return f"{self.left} to {self.entered}"
