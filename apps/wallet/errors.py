from apps.core.errors import DomainError


class InsufficientFundsError(DomainError):
    """A player account would go below zero."""

    code = "insufficient_funds"


class BalanceTooLargeError(DomainError):
    """A player's pots would hold more than this ledger keeps for one player."""

    code = "balance_too_large"

    def __init__(self) -> None:
        super().__init__("The player's balance would be larger than one player may have.")


class IdempotencyConflictError(DomainError):
    """An idempotency key was used before, for something else."""

    code = "idempotency_conflict"

    def __init__(self, key: str) -> None:
        super().__init__(f"The key '{key}' was used for another transfer.")


class HoldEndedError(DomainError):
    """A held stake is captured or released already; it ends once."""

    code = "hold_ended"

    def __init__(self, key: str) -> None:
        super().__init__(f"The hold '{key}' was captured or released before.")


class HoldAmountError(DomainError):
    """A held stake would be captured or released in part, or for more than was held."""

    code = "hold_amount"

    def __init__(self, key: str) -> None:
        super().__init__(f"The hold '{key}' is of another amount.")


class CurrencyMismatchError(DomainError):
    """The two accounts of a transfer hold different currencies."""

    code = "currency_mismatch"


class UnknownAccountError(DomainError):
    """A player has no accounts; they are opened when the player is loaded."""

    code = "unknown_account"


class TransferUnresolvedError(DomainError):
    """A transfer with this provider is on its way for this player; its fate must be known first."""

    code = "transfer_unresolved"


class UnknownGameTransferError(DomainError):
    """There is no such transfer."""

    code = "unknown_game_transfer"


class TransferDecidedError(DomainError):
    """The transfer is confirmed or failed already; there is nothing to ask about it."""

    code = "transfer_decided"


class TransferNotAskedError(DomainError):
    """The provider was not asked about the transfer yet."""

    code = "transfer_not_asked"


class FindingExplainedError(DomainError):
    """The finding was explained already."""

    code = "finding_explained"


class NoOpenReceivableError(DomainError):
    """The player owes nothing there, or less than was to be settled."""

    code = "no_open_receivable"


class UnreadableAnswerError(DomainError):
    """A provider's answer about a transfer is not what its API promises; it decides nothing."""

    code = "unreadable_answer"
