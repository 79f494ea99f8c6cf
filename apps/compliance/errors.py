from apps.core.errors import DomainError


class UnknownRenewalError(DomainError):
    code = "unknown_renewal"

    def __init__(self, renewal_id: int) -> None:
        super().__init__(f"There is no renewal {renewal_id}.")


class RenewalOpenAlreadyError(DomainError):
    """A certificate has one renewal at a time."""

    code = "renewal_open_already"

    def __init__(self, certificate: str) -> None:
        super().__init__(f"A renewal of {certificate} is open. Work on that one.")


class RenewalStepError(DomainError):
    """The table of steps does not lead from the renewal's state to the one asked for."""

    code = "renewal_step"

    def __init__(self, state: str, wanted: str) -> None:
        super().__init__(f"The renewal is '{state}' and can't become '{wanted}' from there.")


class RenewalContentError(DomainError):
    """What was said about a renewal is not usable; the message says what."""

    code = "renewal_content"


class SuccessorRefusedError(DomainError):
    """A certificate can't stand for the one it should replace; the message says why."""

    code = "successor_refused"


class NotAllowedError(DomainError):
    """The account is not active or lacks the permission."""

    code = "not_allowed"


class UnknownFeedError(DomainError):
    """No live calendar address carries this token."""

    code = "unknown_feed"

    def __init__(self) -> None:
        super().__init__("There is no such calendar.")


class MailNotSentError(DomainError):
    """The mail server did not take a reminder or notice; it is sent again later."""

    code = "mail_not_sent"

    def __init__(self, what: str) -> None:
        super().__init__(f"The mail server did not take {what}.")


class KeyEventContentError(DomainError):
    """What was written can't be sent like this; the sentence says what is missing or too long."""

    code = "key_event_content"


class KeyEventStateError(DomainError):
    code = "key_event_state"

    def __init__(self, event_id: int) -> None:
        super().__init__(f"Key event {event_id} is no draft any more, or there is none.")
