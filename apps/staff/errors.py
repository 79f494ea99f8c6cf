"""Refusals of staff matters."""

from apps.core.errors import DomainError


class ApprovalError(DomainError):
    """An approval can't be requested or decided like this."""

    code = "approval"


class UnknownApprovalError(ApprovalError):
    code = "unknown_approval"

    def __init__(self, approval_id: int) -> None:
        super().__init__(f"There is no approval {approval_id}.")


class UnknownApprovalKindError(ApprovalError):
    code = "unknown_approval_kind"

    def __init__(self, kind: str) -> None:
        super().__init__(f"Nothing is registered for approvals of kind {kind!r}.")


class AlreadyPendingError(ApprovalError):
    code = "approval_already_pending"

    def __init__(self, subject: str) -> None:
        super().__init__(f"A request for {subject} already awaits a decision.")


class AlreadyDecidedError(ApprovalError):
    code = "approval_already_decided"

    def __init__(self, state: str) -> None:
        super().__init__(f"This was decided before: {state}.")


class SelfApprovalError(ApprovalError):
    code = "self_approval"

    def __init__(self) -> None:
        super().__init__("You asked for this or edited it, so somebody else must decide.")


class NotAllowedToDecideError(ApprovalError):
    code = "not_allowed_to_decide"

    def __init__(self, permission: str) -> None:
        super().__init__(f"Deciding this needs an active account with the permission {permission}.")


class NotTheRequesterError(ApprovalError):
    code = "not_the_requester"

    def __init__(self) -> None:
        super().__init__("Only the person who asked can cancel; others reject.")


class ApprovalVoidError(ApprovalError):
    """What was to be approved is not what it was; the approval is closed and nothing ran."""

    code = "approval_void"

    def __init__(self, why: str) -> None:
        super().__init__(f"Void: {why} Ask for a new approval.")


class ApprovalExpiredError(ApprovalError):
    """Nobody decided in time; the approval is closed and nothing ran."""

    code = "approval_expired"

    def __init__(self, why: str) -> None:
        super().__init__(f"{why} Ask for a new approval.")


class UnknownPermissionError(DomainError):
    code = "unknown_permission"

    def __init__(self, role: str, permission: str) -> None:
        super().__init__(f"Role {role!r} names {permission!r}, and there is no such permission.")


class UnknownRoleError(DomainError):
    code = "unknown_role"

    def __init__(self, role: str) -> None:
        super().__init__(f"There is no role {role!r}.")


class SeatError(DomainError):
    """An auditor's seat can't be given or taken like this."""

    code = "auditor_seat"


class NotAnAuditorError(SeatError):
    code = "not_an_auditor"
    concerns = "person"

    def __init__(self) -> None:
        super().__init__("A seat is for an active account with the role Auditor.")


class OwnSeatError(SeatError):
    code = "own_seat"
    concerns = "person"

    def __init__(self) -> None:
        super().__init__("Nobody gives a seat to themselves.")


class SeatTermError(SeatError):
    code = "seat_term"
    concerns = "ends_at"

    def __init__(self, days: int) -> None:
        super().__init__(f"A seat ends after it starts, later than now, and within {days} days.")


class SeatRevokedError(SeatError):
    code = "seat_revoked"

    def __init__(self) -> None:
        super().__init__("This seat was revoked before.")


class NoSecondFactorError(DomainError):
    code = "no_second_factor"

    def __init__(self, user_id: int) -> None:
        super().__init__(f"Person {user_id} has no second factor.")


class CodeAlreadySpentError(DomainError):
    code = "code_already_spent"

    def __init__(self) -> None:
        super().__init__("This code was used. Wait for the next one.")


class UnknownPersonError(DomainError):
    code = "unknown_person"

    def __init__(self, username: str) -> None:
        super().__init__(f"Nobody here has the user name {username!r}.")


class NoSuchSessionError(DomainError):
    code = "no_such_session"

    def __init__(self) -> None:
        super().__init__("That session is over already.")
