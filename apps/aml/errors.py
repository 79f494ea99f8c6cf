"""Refusals inside the compartment; nobody outside it ever sees one."""

from apps.core.errors import DomainError


class AmlError(DomainError):
    code = "aml"


class NotInCompartmentError(AmlError):
    code = "not_in_compartment"

    def __init__(self) -> None:
        super().__init__("Only who holds the AML role may do this.")


class UnknownMatterError(AmlError):
    code = "unknown_matter"

    def __init__(self, matter_id: int) -> None:
        super().__init__(f"There is no matter {matter_id}.")


class MatterDecidedError(AmlError):
    code = "matter_decided"

    def __init__(self, state: str) -> None:
        super().__init__(f"This matter was decided: {state}. Notes can still be added.")


class FutureSuspicionError(AmlError):
    code = "future_suspicion"
    concerns = "suspected_at"

    def __init__(self) -> None:
        super().__init__("A time in the future can't be recorded.")


class LateWithoutReasonError(AmlError):
    code = "late_without_reason"

    def __init__(self) -> None:
        super().__init__("The report was lodged after its time: say why in 20 characters or more.")


class LodgedTimeError(AmlError):
    code = "lodged_time"
    concerns = "lodged_at"

    def __init__(self) -> None:
        super().__init__(
            "A report is lodged after its suspicion was formed, and not in the future."
        )
