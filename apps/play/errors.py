from typing import TYPE_CHECKING

from apps.core.errors import DomainError

if TYPE_CHECKING:
    from apps.play.contracts import GateReason


class LaunchRefusedError(DomainError):
    """The launch gate said no; ``reasons`` has every rule that spoke against the game."""

    code = "launch_refused"

    def __init__(self, reasons: "tuple[GateReason, ...]") -> None:
        super().__init__(" ".join(reason.text for reason in reasons))
        self.reasons = reasons


class UnknownGameError(DomainError):
    """The provider has no game with this code."""

    code = "unknown_game"

    def __init__(self, provider_code: str, game_code: str) -> None:
        super().__init__(f"{provider_code} has no game {game_code!r:.140}.")


class UnknownSessionError(DomainError):
    code = "unknown_session"

    def __init__(self, session_id: int | str) -> None:
        super().__init__(f"There is no game session {session_id!r:.60}.")


class SessionEndedError(DomainError):
    """The session has ended or run out; a new one is needed to go on playing."""

    code = "session_ended"

    def __init__(self) -> None:
        super().__init__("The game session has ended. Open a new one.")


class InvalidRefreshError(DomainError):
    """The refresh credential is not the session's current one.

    If it was used before, the session has ended: two hold it, and one of them should not.
    """

    code = "invalid_refresh_credential"

    def __init__(self) -> None:
        super().__init__("The refresh credential is not this session's current one.")


class InvalidLaunchCodeError(DomainError):
    """A launch code is unknown, used or too old. Which of these is nobody's business."""

    code = "invalid_launch_code"

    def __init__(self) -> None:
        super().__init__("This launch link was used already or is too old.")


class SigningKeyStateError(DomainError):
    """The signing key is not in a state that this step starts from."""

    code = "signing_key_state"


class InvalidTokenError(DomainError):
    """A gameplay token is not, byte for byte, one that we issued and that holds now."""

    code = "session_expired"
