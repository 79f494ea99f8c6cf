"""How other apps read players: as refs, never as rows."""

from apps.players.selectors.batches import load_protection
from apps.players.selectors.identity import (
    player_by_id,
    player_by_ref,
    players_by_ref,
    rehearsal_player_ids,
    rehearsal_player_refs,
)
from apps.players.selectors.moves import jurisdiction_at, place_at, place_at_sql
from apps.players.selectors.protection import (
    exclusion_lets_go_at,
    exclusions_in_force,
    limit_use,
    protection_of,
    protection_reasons,
)
from apps.players.selectors.reality_checks import (
    checks_of_session,
    reality_check,
    reality_check_clock,
    reality_check_interval,
    unanswered_check,
)

__all__ = [
    "checks_of_session",
    "exclusion_lets_go_at",
    "exclusions_in_force",
    "jurisdiction_at",
    "limit_use",
    "load_protection",
    "place_at",
    "place_at_sql",
    "player_by_id",
    "player_by_ref",
    "players_by_ref",
    "protection_of",
    "protection_reasons",
    "reality_check",
    "reality_check_clock",
    "reality_check_interval",
    "rehearsal_player_ids",
    "rehearsal_player_refs",
    "unanswered_check",
]
