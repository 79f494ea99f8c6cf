"""What onboarding refuses."""

from collections.abc import Iterable

from apps.core.errors import DomainError


class ItemsNotProvenError(DomainError):
    code = "items_not_proven"

    def __init__(self, items: Iterable[str]) -> None:
        super().__init__(f"Not proven: {', '.join(items)}. Prove them first, or waive what may be.")


class ItemNotWaivableError(DomainError):
    code = "item_not_waivable"

    def __init__(self, item: str) -> None:
        super().__init__(f"'{item}' can't be waived.")


class ChecklistMovedError(DomainError):
    """The proofs that the approval was asked on are not the newest ones any more."""

    code = "checklist_moved"

    def __init__(self, provider_code: str) -> None:
        super().__init__(
            f"The checklist of {provider_code} has changed since this was asked: ask again."
        )


class PromiseTooShortError(DomainError):
    code = "promise_too_short"
    concerns = "months"

    def __init__(self, months: int, least: int) -> None:
        super().__init__(f"{months} months are promised; the contract needs {least} or more.")


class IncompleteRunError(DomainError):
    """Only a run of every scenario proves anything."""

    code = "incomplete_run"

    def __init__(self) -> None:
        super().__init__("Only a run of all scenarios is recorded; this one left some out.")


class UnknownOnboardingError(DomainError):
    code = "unknown_onboarding"

    def __init__(self, what: object) -> None:
        super().__init__(f"There is no onboarding of {what}.")
