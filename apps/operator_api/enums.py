from typing import Final

from django.db import models


class Scope(models.TextChoices):
    """What a client may do; each endpoint needs one of these."""

    SESSIONS_WRITE = "sessions:write", "Open, refresh and end game sessions"
    TRANSFERS_WRITE = "transfers:write", "Move players' money in and out"
    PLAYERS_READ = "players:read", "Read balances, bonuses and withdrawal eligibility"
    PLAYERS_WRITE = "players:write", "Mirror players"
    ROUNDS_READ = "rounds:read", "Read rounds with their evidence"
    CERTIFICATES_WRITE = "certificates:write", "Hand in certificate documents for review"
    GATE_READ = "gate:read", "Ask whether a game may be served"
    INTEGRITY_WRITE = "integrity:write", "Report the digests of game servers' files"


MONEY_SCOPES: Final = frozenset({Scope.TRANSFERS_WRITE.value})
"""What moves money: a token of such a client needs two people."""


class TransferDirection(models.TextChoices):
    """Money between the player's cash and the world outside, or what is set apart for a game."""

    DEPOSIT = "deposit", "Deposit"
    WITHDRAWAL = "withdrawal", "Withdrawal"
    TO_GAME = "to_game", "To a provider's games"
    FROM_GAME = "from_game", "Back from a provider's games"
