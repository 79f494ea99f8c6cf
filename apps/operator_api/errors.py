from typing import TYPE_CHECKING

from apps.core.errors import DomainError

if TYPE_CHECKING:
    from apps.operator_api.contracts import EligibilityReason
    from apps.players.contracts import ProtectionReason


class UnknownClientError(DomainError):
    """There is no such API client."""

    code = "unknown_client"

    def __init__(self, name: object) -> None:
        super().__init__(f"There is no API client {name!r:.80}.")


class ClientNameTakenError(DomainError):
    code = "client_name_taken"
    concerns = "name"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is an API client named {name!r:.80} already.")


class ScopesError(DomainError):
    """A client has one scope or more, each of them known."""

    code = "scopes"
    concerns = "scopes"


class TokenLifetimeError(DomainError):
    """A token lives for a day at least and for a year at most."""

    code = "token_lifetime"
    concerns = "days"


class SecondPersonNeededError(DomainError):
    """The token would move money: a second person has to agree to exactly this one first."""

    code = "second_person_needed"

    def __init__(self) -> None:
        super().__init__("A token that moves money needs a second person: ask for approval first.")


class NoSecondPersonNeededError(DomainError):
    code = "no_second_person_needed"

    def __init__(self) -> None:
        super().__init__("The client moves no money: issue its token without asking.")


class TokenRevokedError(DomainError):
    """The token has been revoked before, or there is no such token."""

    code = "token_revoked"


class RequestInFlightError(DomainError):
    """The same idempotency key is being worked on at this moment."""

    code = "request_in_flight"

    def __init__(self) -> None:
        super().__init__("A request with this Idempotency-Key is under way. Ask again shortly.")


class KeyReusedError(DomainError):
    """The idempotency key was used before, for another request."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for a request with other content.")


class DepositRefusedError(DomainError):
    """Player protection says that the player may not pay in; ``reasons`` has every rule of it."""

    code = "deposit_refused"

    def __init__(self, reasons: "tuple[ProtectionReason, ...]") -> None:
        super().__init__("The player may not pay in now.")
        self.reasons = reasons


class PlayRefusedError(DomainError):
    """Player protection says that the player may not play, so no money goes to a game."""

    code = "play_refused"

    def __init__(self, reasons: "tuple[ProtectionReason, ...]") -> None:
        super().__init__("The player may not play now.")
        self.reasons = reasons


class NotEligibleError(DomainError):
    """The player may not withdraw now; ``reasons`` has everything in the way."""

    code = "not_eligible"

    def __init__(self, reasons: "tuple[EligibilityReason, ...]") -> None:
        super().__init__("The player may not withdraw now.")
        self.reasons = reasons


class WrongCurrencyError(DomainError):
    code = "wrong_currency"

    def __init__(self, expected: str) -> None:
        super().__init__(f"The player's currency is {expected}.")
