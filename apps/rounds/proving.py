"""The proof of a round: what ran and what covered it at the moment when it was opened."""

from apps.players.selectors import jurisdiction_at
from apps.providers.selectors.proof import Proof, proof_at
from apps.rounds.models import Round, RoundEvent


def proof_of_round(game_round: Round) -> Proof | None:
    """Return the proof where the player was when the round opened; None for an unknown game."""
    place = jurisdiction_at(game_round.player_id, game_round.opened_at)
    return proof_at(game_round.game_id, place, game_round.opened_at)


def proof_of_event(event: RoundEvent) -> Proof | None:
    """Return the proof of the event's round; of its own moment where it belongs to none."""
    if event.round is not None:
        return proof_of_round(event.round)
    if event.game_id is None or event.player_id is None:
        return None
    jurisdiction = jurisdiction_at(event.player_id, event.occurred_at)
    return proof_at(event.game_id, jurisdiction, event.occurred_at)
