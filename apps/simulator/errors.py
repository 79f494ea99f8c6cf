"""Refusals of the simulator: the reference provider, replay and the demo."""

from typing import ClassVar

from apps.core.errors import DomainError


class BadRequestError(DomainError):
    """A caller of the reference provider sent something it can't serve."""

    code: ClassVar[str] = "bad_request"


class UnsignedOrderError(DomainError):
    """An order to the provider's wallets that nobody it knows signed, or not now."""

    code: ClassVar[str] = "invalid_signature"

    def __init__(self) -> None:
        super().__init__("The order is not signed with the key that was agreed on, or not now.")


class BadOrderError(DomainError):
    """An order to the provider's wallets that is signed and still makes no sense."""

    code: ClassVar[str] = "bad_order"


class OtherOrderError(DomainError):
    """A transaction that was asked for before, with another player or amount."""

    code: ClassVar[str] = "transaction_conflict"

    def __init__(self, transaction_id: str) -> None:
        super().__init__(f"{transaction_id!r:.140} was another transfer.")


class UndecidedTransferError(DomainError):
    """Nobody knows yet what became of a transfer with a provider's wallet."""

    code: ClassVar[str] = "undecided_transfer"

    def __init__(self, key: str) -> None:
        super().__init__(f"The transfer {key!r:.140} is not decided yet.")


class UnknownEventError(DomainError):
    code: ClassVar[str] = "unknown_event"

    def __init__(self, event_id: str) -> None:
        super().__init__(f"The provider never sent an event {event_id!r:.140}.")


class UnknownRunError(DomainError):
    code: ClassVar[str] = "unknown_run"

    def __init__(self, run_no: int) -> None:
        super().__init__(f"There is no run {run_no}.")


class NoRoomInDayError(DomainError):
    """The day asked for has no time left after the rounds already played in it."""

    code: ClassVar[str] = "no_room_in_day"

    def __init__(self, day: str) -> None:
        super().__init__(f"No more rounds fit into {day}; play another day.")


class NoFundedPlayerError(DomainError):
    """Every player of the provider has less than the highest stake."""

    code: ClassVar[str] = "no_funded_player"

    def __init__(self) -> None:
        super().__init__("No player can afford a stake; start with a new provider home.")


class BadCaptureError(DomainError):
    """A capture file can't be replayed as it is; names the lines and says why."""

    code: ClassVar[str] = "bad_capture"


class UndeliveredError(DomainError):
    """A delivery was not taken although it was tried for as long as allowed."""

    code: ClassVar[str] = "undelivered"

    def __init__(self, line_no: int, why: str) -> None:
        super().__init__(f"The delivery of line {line_no} could not be delivered: {why}.")


class GatewayNotStartedError(DomainError):
    """The gateway that a replay starts for itself did not come up."""

    code: ClassVar[str] = "gateway_not_started"


class NoSigningKeyError(DomainError):
    code: ClassVar[str] = "no_signing_key"

    def __init__(self, provider: str) -> None:
        super().__init__(f"Provider {provider!r:.60} has no active key to sign with.")


class CommandFailedError(DomainError):
    """One of Pitboss's own commands ended with a bad status."""

    code: ClassVar[str] = "command_failed"

    def __init__(self, name: str, status: object, output: str) -> None:
        super().__init__(f"manage.py {name} ended with status {status}: {output.strip()[:500]}")
