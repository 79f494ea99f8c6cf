"""What play does: answer whether a game may start, start it, renew it, end it, check its tokens."""

from apps.play.services.gate import can_serve
from apps.play.services.keys import retire_key, revoke_key
from apps.play.services.launch import exchange_launch_code
from apps.play.services.reality_checks import (
    answer_reality_check,
    reckon_checks,
    show_reality_check,
)
from apps.play.services.sessions import (
    admit,
    end_session,
    end_sessions_of_offer,
    end_sessions_of_player,
    open_admitted,
    open_session,
    refresh_session,
)
from apps.play.services.tokens import live_sessions

__all__ = [
    "admit",
    "answer_reality_check",
    "can_serve",
    "end_session",
    "end_sessions_of_offer",
    "end_sessions_of_player",
    "exchange_launch_code",
    "live_sessions",
    "open_admitted",
    "open_session",
    "reckon_checks",
    "refresh_session",
    "retire_key",
    "revoke_key",
    "show_reality_check",
]
