"""What play does: answer whether a game may start, start it, end it, and check its tokens."""

from apps.play.services.gate import can_serve
from apps.play.services.keys import retire_key, revoke_key
from apps.play.services.sessions import open_session, revoke_session
from apps.play.services.tokens import live_sessions, live_tokens

__all__ = [
    "can_serve",
    "live_sessions",
    "live_tokens",
    "open_session",
    "retire_key",
    "revoke_key",
    "revoke_session",
]
