"""Blocking a player and ending the block: by a person, with a reason, and nothing else."""

from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from apps.core.history import note_edit
from apps.core.reasons import require_reason
from apps.core.services import publish, record_audit
from apps.players.enums import PlayerStatus
from apps.players.errors import ProtectedStandingError, StandingUnchangedError
from apps.players.events import PlayerExcluded
from apps.players.locks import lock_player
from apps.players.models import Player
from apps.players.services.exclusions import standing_left


@transaction.atomic
def block_player(
    player_id: int, *, acting_user: AbstractBaseUser, reason: str, now: datetime
) -> None:
    """Keep a player from playing and paying in until staff ends it; withdrawals need it ended too.

    The apps above are told, and end the sessions. Locks the player.

    Raises:
        UnknownPlayerError: nobody has this id.
        ReasonRequiredError: nobody said why.
        StandingUnchangedError: the player is blocked already.
        ProtectedStandingError: the account is closed, which is graver.
    """
    player = lock_player(player_id)
    if player.status == PlayerStatus.BLOCKED:
        raise StandingUnchangedError("The player is blocked already.")
    if player.status == PlayerStatus.CLOSED:
        raise ProtectedStandingError("The account is closed; it needs no block.")
    _set(player, PlayerStatus.BLOCKED, acting_user, reason, now)
    publish(PlayerExcluded(player_id=player.pk, exclusion_id=None, kind="block"), now=now)


@transaction.atomic
def unblock_player(
    player_id: int, *, acting_user: AbstractBaseUser, reason: str, now: datetime
) -> None:
    """End a block; an exclusion that began meanwhile goes on. Locks the player.

    Raises:
        UnknownPlayerError: nobody has this id.
        ReasonRequiredError: nobody said why.
        StandingUnchangedError: the player is not blocked.
    """
    player = lock_player(player_id)
    if player.status != PlayerStatus.BLOCKED:
        raise StandingUnchangedError("The player is not blocked.")
    _set(player, standing_left(player.pk, now), acting_user, reason, now)


def _set(
    player: Player, status: PlayerStatus, user: AbstractBaseUser, reason: str, now: datetime
) -> None:
    words = require_reason(reason)
    before, player.status = player.status, status
    note_edit(player, acting_user=user, reason=words, now=now)
    player.save(update_fields=["status"])
    record_audit(
        action="players.standing.changed",
        actor=user,
        subject=f"players.player:{player.pk}",
        details={"before": before, "status": status.value},
        reason=words,
        now=now,
    )
