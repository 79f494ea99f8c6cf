from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.players.contracts import PlayerRef, RealityCheckClock, RealityCheckLine
from apps.providers.contracts import CertificateRef


@dataclass(frozen=True, slots=True)
class GateReason:
    """One rule that speaks against a launch; ``code`` is stable, ``text`` is for people.

    ``rule`` is the id of a regulator's rule, where it is one.
    """

    code: str
    text: str
    rule: str = ""


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """Whether a game may be served; with ``allowed`` the certificate that proves it.

    With ``override_id`` it is allowed by two people instead of a certificate, until it expires;
    ``remarks`` then say what they stand in for. ``builds`` and ``variants`` are what runs, or what
    was asked about: one each as a rule, more where channels differ, none where nobody knows.
    """

    allowed: bool
    reasons: tuple[GateReason, ...]
    certificate: CertificateRef | None
    builds: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    override_id: int | None = None
    override_ends_at: datetime | None = None
    remarks: tuple[GateReason, ...] = ()


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A gameplay token just signed and what renews it. Both are handed out here, stored nowhere."""

    token: str
    expires_at: datetime
    refresh_credential: str
    reality_check: RealityCheckClock


@dataclass(frozen=True, slots=True)
class Admission:
    """A player whom the launch gate let through to a game, at this moment."""

    player: PlayerRef
    provider_id: int
    game_id: int


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session just opened, with everything that is ever handed out for it."""

    session_id: int
    public_id: str
    token: str
    expires_at: datetime
    refresh_credential: str
    stakes_until: datetime
    launch_code: str
    launch_expires_at: datetime
    reality_check: RealityCheckClock


@dataclass(frozen=True, slots=True)
class Visit:
    """A player's play without a long break, over one session or several, up to now.

    Money is in minor units of ``currency``; ``clock`` says when the next reality check is due.
    """

    playing_since: datetime
    minutes_played: int
    staked_minor: int
    won_minor: int
    currency: str
    clock: RealityCheckClock

    @property
    def net_minor(self) -> int:
        return self.won_minor - self.staked_minor


@dataclass(frozen=True, slots=True)
class RealityCheckState:
    """How a session stands with reality checks now; ``waiting`` is shown and not answered."""

    visit: Visit
    waiting: RealityCheckLine | None
    is_due: bool
    is_paused: bool
    has_ended: bool


@dataclass(frozen=True, slots=True)
class ShownCheck:
    """A reality check with its figures as they were shown; ``is_repeat`` where it was before."""

    line: RealityCheckLine
    currency: str
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class AnsweredCheck:
    """What came of a player's answer: the next check's clock, or the end of all sessions."""

    line: RealityCheckLine
    currency: str
    clock: RealityCheckClock
    has_ended: bool


@dataclass(frozen=True, slots=True)
class SessionFact:
    """A session as the hot path knows it by the id that its provider sends.

    A paused one takes no new stakes until its player acknowledges a reality check. One that is not
    live has run out, or somebody ended it: then it ``has_ended``.
    """

    session_id: int
    player_ref: str
    player_id: int
    provider_id: int
    game_code: str
    currency: str
    is_live: bool
    is_paused: bool
    has_ended: bool


@dataclass(frozen=True, slots=True)
class LaunchedGame:
    """What the launch page may know once its one-time code was exchanged."""

    session_id: int
    game_name: str
    provider_name: str


@dataclass(frozen=True, slots=True)
class LiveSession:
    """What a token that holds now was issued for: one player, at one provider, in one game.

    A paused session takes no new stakes until its player acknowledges a reality check.
    """

    session_id: int
    player_ref: str
    provider_id: int
    provider_code: str
    game_code: str
    is_paused: bool


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A token's session as the check reads it, with the public key that signed the token."""

    session_id: int
    jti: str
    kid: str
    public_pem: str
    issued_at: datetime
    expires_at: datetime
    player_ref: str
    provider_id: int
    provider_code: str
    game_code: str
    is_paused: bool


@dataclass(frozen=True, slots=True)
class TokenLine:
    """A token as people see it."""

    jti: UUID
    issued_at: datetime
    expires_at: datetime
    kid: str


@dataclass(frozen=True, slots=True)
class RefreshLine:
    """A refresh credential as people see it: when it was made, used, and presented again."""

    issued_at: datetime
    used_at: datetime | None
    reused_at: datetime | None
