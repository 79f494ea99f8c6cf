"""The proof of a round: what ran and what covered it at the moment when it was opened."""

from dataclasses import dataclass, fields
from datetime import datetime

from apps.integrity.contracts import Measurement
from apps.integrity.selectors import measurement_at
from apps.players.selectors import jurisdiction_at
from apps.providers.selectors.proof import Proof, proof_at
from apps.rounds.models import Round, RoundEvent


@dataclass(frozen=True, slots=True)
class RoundProof(Proof):
    """A proof with what had been measured on the game server by then.

    ``digests`` is what the register says of the deployed package, ``measured`` what a server said.
    """

    measured: Measurement


def proof_of_round(game_round: Round) -> RoundProof | None:
    """Return the proof where the player was when the round opened; None for an unknown game."""
    return _proof(game_round.player_id, game_round.game_id, game_round.opened_at)


def proof_of_event(event: RoundEvent) -> RoundProof | None:
    """Return the proof of the event's round; of its own moment where it belongs to none."""
    if event.round is not None:
        return proof_of_round(event.round)
    if event.game_id is None or event.player_id is None:
        return None
    return _proof(event.player_id, event.game_id, event.occurred_at)


def _proof(player_id: int, game_id: int, at: datetime) -> RoundProof | None:
    proof = proof_at(game_id, jurisdiction_at(player_id, at), at)
    if proof is None:
        return None
    of_register = {field.name: getattr(proof, field.name) for field in fields(proof)}
    return RoundProof(**of_register, measured=measurement_at(game_id, at))
