from apps.players.selectors.batches import load_protection
from apps.players.services.deposits import count_deposit, deposit_refusal
from apps.players.services.exclusions import (
    close_account,
    end_exclusion,
    exclude,
    lift_ended_exclusions,
)
from apps.players.services.launches import launch_check
from apps.players.services.limits import cancel_pending_limit, set_limit
from apps.players.services.mirror import add_players, save_player
from apps.players.services.reality_checks import record_reality_check
from apps.players.services.rule_checks import record_rule_check
from apps.players.services.standing import block_player, unblock_player
from apps.players.services.tallies import save_tallies

__all__ = [
    "add_players",
    "block_player",
    "cancel_pending_limit",
    "close_account",
    "count_deposit",
    "deposit_refusal",
    "end_exclusion",
    "exclude",
    "launch_check",
    "lift_ended_exclusions",
    "load_protection",
    "record_reality_check",
    "record_rule_check",
    "save_player",
    "save_tallies",
    "set_limit",
    "unblock_player",
]
