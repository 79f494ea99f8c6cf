from dataclasses import dataclass
from datetime import datetime

from apps.providers.contracts import CertificateRef


@dataclass(frozen=True, slots=True)
class GateReason:
    """One rule that speaks against a launch; ``code`` is stable, ``text`` is for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """Whether a game may be served; with ``allowed`` the certificate that proves it."""

    allowed: bool
    reasons: tuple[GateReason, ...]
    certificate: CertificateRef | None


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session just opened. The token is handed out here and stored nowhere."""

    token: str
    session_id: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class LiveSession:
    """What a token that holds now was issued for: one player, at one provider, in one game."""

    session_id: int
    player_ref: str
    provider_id: int
    provider_code: str
    game_code: str


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as the token check reads it, with the public key that signed its token."""

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
