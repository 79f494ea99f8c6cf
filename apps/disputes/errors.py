from apps.core.errors import DomainError


class UnknownCaseError(DomainError):
    code = "unknown_case"

    def __init__(self, case: object) -> None:
        super().__init__(f"There is no case {case}.")


class CaseContentError(DomainError):
    """What was said about a case is not usable; the message says what."""

    code = "case_content"


class CaseStateError(DomainError):
    """The case is not in a state that this step starts from."""

    code = "case_state"

    def __init__(self, number: str, state: str, step: str) -> None:
        super().__init__(f"Case {number} is {state.lower()} and can't be {step}.")


class CaseOpenAlreadyError(DomainError):
    """The same round event is disputed in a case that is still open."""

    code = "case_open_already"

    def __init__(self, number: str) -> None:
        super().__init__(f"Case {number} is open about this event. Add a note there.")


class EventOfAnotherPlayerError(DomainError):
    code = "event_of_another_player"
    concerns = "event_id"

    def __init__(self, event_id: str, player_ref: str) -> None:
        super().__init__(f"Event '{event_id}' is not one of player {player_ref}.")


class EventNowhereError(DomainError):
    """Neither our rounds nor the provider's statements know the event."""

    code = "event_nowhere"
    concerns = "event_id"

    def __init__(self, provider_code: str, event_id: str) -> None:
        super().__init__(
            f"Neither our rounds nor the statements of {provider_code} know '{event_id:.128}'."
        )


class CreditRefusedError(DomainError):
    """A credit can't be requested or paid like this; nothing moved."""

    code = "credit_refused"
    concerns = "amount"


class CreditPendingError(DomainError):
    """A second person has yet to decide on the credit of this case."""

    code = "credit_pending"

    def __init__(self, number: str) -> None:
        super().__init__(
            f"A credit for case {number} awaits a decision. Decide or cancel that first."
        )


class NotAllowedError(DomainError):
    """The account is inactive or may not work on cases."""

    code = "not_allowed"
