"""How a player is locked.

The order everywhere is player, wallets, hours: who changes limits or exclusions, or takes a
deposit, locks the player first. The gateway locks wallets only.
"""

from apps.players.errors import UnknownPlayerError
from apps.players.models import Player


def lock_player(player_id: int) -> Player:
    """Lock one player's row; rows that point to it can still be added by others.

    Raises:
        UnknownPlayerError: nobody has this id.
    """
    player = Player.objects.select_for_update(no_key=True).filter(pk=player_id).first()
    if player is None:
        raise UnknownPlayerError(f"There is no player with id {player_id}.")
    return player
