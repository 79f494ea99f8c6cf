from apps.core.errors import DomainError


class PlayerMismatchError(DomainError):
    """A loaded player contradicts the one we hold (currency never changes)."""

    code = "player_mismatch"


class UnknownPlayerError(DomainError):
    """No player carries this reference."""

    code = "unknown_player"
