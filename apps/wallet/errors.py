from apps.core.errors import DomainError


class InsufficientFundsError(DomainError):
    """A player account would go below zero."""

    code = "insufficient_funds"


class IdempotencyConflictError(DomainError):
    """An idempotency key was used before, for something else."""

    code = "idempotency_conflict"

    def __init__(self, key: str) -> None:
        super().__init__(f"The key '{key}' was used for another transfer.")


class CurrencyMismatchError(DomainError):
    """The two accounts of a transfer hold different currencies."""

    code = "currency_mismatch"


class UnknownAccountError(DomainError):
    """A player has no accounts; they are opened when the player is loaded."""

    code = "unknown_account"
