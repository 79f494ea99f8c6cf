"""How play is read."""

from datetime import datetime

from django.db.models import Q

from apps.play.enums import SigningKeyState
from apps.play.jwt import jwk
from apps.play.models import MAX_LIFETIME, GameSession, SigningKey


def jwks(now: datetime) -> list[dict[str, str]]:
    """Return the public keys that a token alive now may be signed with, newest first."""
    keys = SigningKey.objects.filter(
        Q(state=SigningKeyState.ACTIVE)
        | Q(state=SigningKeyState.RETIRED, retired_at__gt=now - MAX_LIFETIME)
    ).order_by("-not_before", "-pk")
    return [jwk(key.kid, key.public_pem) for key in keys]


def live_session_count(now: datetime) -> int:
    return GameSession.objects.filter(expires_at__gt=now, revoked_at__isnull=True).count()
