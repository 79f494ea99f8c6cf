"""What staff does: roles, seats, decisions that need two people, and the second factor."""

from apps.staff.services.approvals import (
    approve,
    cancel,
    expire_approvals,
    reject,
    request_approval,
)
from apps.staff.services.roles import ensure_person, sync_roles
from apps.staff.services.seats import grant_seat, note_look, record_look_up, revoke_seat
from apps.staff.services.second_factor import (
    note_enrolment,
    note_new_recovery_codes,
    request_mfa_reset,
    reset_mfa,
    spend_totp_code,
)
from apps.staff.services.sessions import (
    end_own_other_sessions,
    end_own_session,
    end_sessions,
    end_sessions_of,
    forget_ended_sessions,
    live_sessions,
    note_own_password,
    note_session,
)

__all__ = [
    "approve",
    "cancel",
    "end_own_other_sessions",
    "end_own_session",
    "end_sessions",
    "end_sessions_of",
    "ensure_person",
    "expire_approvals",
    "forget_ended_sessions",
    "grant_seat",
    "live_sessions",
    "note_enrolment",
    "note_look",
    "note_new_recovery_codes",
    "note_own_password",
    "note_session",
    "record_look_up",
    "reject",
    "request_approval",
    "request_mfa_reset",
    "reset_mfa",
    "revoke_seat",
    "spend_totp_code",
    "sync_roles",
]
