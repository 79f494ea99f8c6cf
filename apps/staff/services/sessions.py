"""The sessions of a person: kept in view, and ended by the person or by an administrator."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.http import HttpRequest

from apps.core.reasons import require_reason
from apps.core.services import record_audit
from apps.staff.errors import NoSuchSessionError
from apps.staff.models import User

_NOTED: Final = "noted_place"
_NOTED_EVERY: Final = timedelta(minutes=1)
_LONGEST_KEY: Final = 40
_LONGEST_AGENT: Final = 200


def note_session(request: HttpRequest, *, now: datetime, is_use: bool = True) -> None:
    """Keep from where and when a session was used last, once a minute at most.

    The session remembers what was noted: one that was given a new key, as with a new password, or
    that is used from another address or device, is noted anew at once. What is no person's use of
    it, such as a page that renews itself, is noted only if it comes from elsewhere, and the session
    does not remember it: that would keep it alive.
    """
    key = request.session.session_key or ""
    # A session that lives in its cookie is longer, and nothing here could end it.
    if not key or len(key) > _LONGEST_KEY:
        return
    address = get_adapter().get_client_ip(request)
    device = request.META.get("HTTP_USER_AGENT", "")[:_LONGEST_AGENT]
    noted_at, *noted = request.session.get(_NOTED) or [0]
    is_fresh = not is_use or now.timestamp() - noted_at < _NOTED_EVERY.total_seconds()
    if noted == [key, address, device] and is_fresh:
        return
    # In one statement, as every page may be the one that notes it.
    UserSession.objects.bulk_create(
        [
            UserSession(
                session_key=key,
                user_id=request.user.pk,
                ip=address,
                user_agent=device,
                created_at=now,
                last_seen_at=now,
            )
        ],
        update_conflicts=True,
        unique_fields=["session_key"],
        update_fields=["user", "ip", "user_agent", "last_seen_at"],
    )
    if is_use:
        request.session[_NOTED] = [int(now.timestamp()), key, address, device]


def live_sessions(user_id: int) -> list[UserSession]:
    """Return a person's sessions, the one used last on top; what is over is forgotten."""
    found: list[UserSession] = UserSession.objects.purge_and_list(User(pk=user_id))
    return sorted(found, key=lambda session: session.last_seen_at, reverse=True)


@transaction.atomic
def end_own_session(*, session_id: int, user: User, now: datetime) -> None:
    """End one of one's own sessions.

    Raises:
        NoSuchSessionError: it is over, or somebody else's.
    """
    session = UserSession.objects.select_for_update().filter(pk=session_id, user=user).first()
    if session is None:
        raise NoSuchSessionError
    details = {"ip": session.ip, "began_at": session.created_at.isoformat()}
    session.end()
    _audit("session_ended", user, user, details, "Ended by the person.", now)


@transaction.atomic
def end_own_other_sessions(*, user: User, kept_key: str, now: datetime) -> int:
    """End every session of one's own but the one with ``kept_key``; returns how many."""
    others = list(
        UserSession.objects.select_for_update().filter(user=user).exclude(session_key=kept_key)
    )
    for session in others:
        session.end()
    details = {"ended": len(others)}
    _audit("other_sessions_ended", user, user, details, "Ended by the person.", now)
    return len(others)


@transaction.atomic
def note_own_password(*, user: User, now: datetime) -> None:
    """Write down that a person gave themselves a new password, which ended their other sessions."""
    _audit("own_password_set", user, user, {}, "Changed by the person.", now)


@transaction.atomic
def end_sessions_of(*, user_id: int, acting_user: User, reason: str, now: datetime) -> None:
    """End every session of a colleague, in their place.

    Raises:
        ReasonRequiredError: nobody said why.
    """
    words = require_reason(reason)
    user = User.objects.get(pk=user_id)
    ended = end_sessions(user_id=user_id)
    _audit("sessions_ended", user, acting_user, {"known": ended}, words, now)


def end_sessions(*, user_id: int) -> int:
    """End every session of a person at its next request; returns how many were known.

    The generation ends also those that were never noted.
    """
    User.objects.filter(pk=user_id).update(session_generation=F("session_generation") + 1)
    known = list(UserSession.objects.filter(user_id=user_id))
    for session in known:
        session.end()
    return len(known)


@transaction.atomic
def forget_ended_sessions(*, now: datetime) -> int:
    """Remove the sessions that are over, and what was noted of them; returns how many notes."""
    Session.objects.filter(expire_date__lte=now).delete()
    kept = Session.objects.filter(session_key=OuterRef("session_key"))
    forgotten: int = UserSession.objects.filter(~Exists(kept)).delete()[0]
    return forgotten


def _audit(
    verb: str, user: User, actor: User, details: Mapping[str, Any], reason: str, now: datetime
) -> None:
    record_audit(
        action=f"staff.user.{verb}",
        actor=actor,
        subject=f"staff.user:{user.pk}",
        details=dict(details),
        reason=reason,
        now=now,
    )
