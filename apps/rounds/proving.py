"""The proof of a round: what ran and what covered it at the moment when it was opened."""

from apps.players.selectors import player_by_id
from apps.providers.selectors.proof import Proof, proof_at
from apps.rounds.models import Round, RoundEvent


def proof_of_round(game_round: Round) -> Proof | None:
    """Return the proof by the jurisdiction of the round's player; None for an unknown game."""
    return proof_at(game_round.game_id, game_round.player.jurisdiction, game_round.opened_at)


def proof_of_event(event: RoundEvent) -> Proof | None:
    """Return the proof of the event's round; of its own moment where it belongs to none."""
    if event.round is not None:
        return proof_of_round(event.round)
    if event.game_id is None or event.player_id is None:
        return None
    jurisdiction = player_by_id(event.player_id).jurisdiction
    return proof_at(event.game_id, jurisdiction, event.occurred_at)
