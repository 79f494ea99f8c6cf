"""API clients and their tokens: made by staff, shown once, revoked with a reason."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Q

from apps.core.reasons import require_reason
from apps.core.services import record_audit
from apps.operator_api.contracts import Credentials, NewToken
from apps.operator_api.enums import MONEY_SCOPES, Scope
from apps.operator_api.errors import (
    ClientNameTakenError,
    ScopesError,
    SecondPersonNeededError,
    TokenLifetimeError,
    TokenRevokedError,
    UnknownClientError,
)
from apps.operator_api.models import ApiClient, ApiToken
from apps.play.services.secrets import digest_of, new_secret
from apps.staff.services.approvals import Person

logger = structlog.get_logger(__name__)

_SHOWN_CHARACTERS: Final = 12
_LONGEST_DAYS: Final = 366
_USE_IS_NOTED_EVERY: Final = timedelta(minutes=1)


@transaction.atomic
def create_client(
    *,
    name: str,
    scopes: Collection[str],
    acting_user: Person | None,
    reason: str,
    now: datetime,
) -> int:
    """Make a client that may do what its scopes say; it can't call before it has a token.

    Raises:
        ReasonRequiredError, ScopesError, ClientNameTakenError: as they say.
    """
    require_reason(reason)
    unknown = sorted(set(scopes) - set(Scope.values))
    if unknown or not scopes:
        raise ScopesError(f"Give one or more of {', '.join(Scope.values)}.")
    try:
        with transaction.atomic():
            client = ApiClient.objects.create(
                name=name,
                scopes=sorted(set(scopes)),
                created_by_id=_pk(acting_user),
                created_at=now,
            )
    except IntegrityError as error:
        raise ClientNameTakenError(name) from error
    record_audit(
        action="operator_api.client.created",
        actor=acting_user,
        subject=f"operator_api.apiclient:{client.pk}",
        details={"name": name, "scopes": client.scopes, "through": _through(acting_user)},
        reason=reason.strip(),
        now=now,
    )
    return client.pk


@transaction.atomic
def issue_token(
    *,
    client_id: int,
    days: int,
    acting_user: Person | None,
    reason: str,
    now: datetime,
    approval_id: int | None = None,
) -> NewToken:
    """Make a further token for a client; the ones before go on until they end or are revoked.

    Without ``acting_user`` it is the command line that asks, and the audit chain says so. A person
    needs ``approval_id`` where the client moves money (``token_requests.pick_up_token``).

    Raises:
        ReasonRequiredError, TokenLifetimeError, UnknownClientError: as they say.
        SecondPersonNeededError: the client moves money and nobody else agreed.
    """
    require_reason(reason)
    client = client_for_token(client_id, days)
    moves_money = not MONEY_SCOPES.isdisjoint(client.scopes)
    if moves_money and acting_user is not None and approval_id is None:
        raise SecondPersonNeededError
    secret = new_secret("pbk")
    token = ApiToken.objects.create(
        client=client,
        prefix=secret[:_SHOWN_CHARACTERS],
        digest=digest_of(secret),
        issued_by_id=_pk(acting_user),
        moves_money=moves_money,
        approval_id=approval_id,
        issued_at=now,
        expires_at=now + timedelta(days=days),
    )
    record_audit(
        action="operator_api.token.issued",
        actor=acting_user,
        subject=f"operator_api.apitoken:{token.pk}",
        details={
            "client": client.name,
            "prefix": token.prefix,
            "days": days,
            "moves_money": moves_money,
            "approval_id": approval_id,
            "through": _through(acting_user),
        },
        reason=reason.strip(),
        now=now,
    )
    return NewToken(token.pk, secret, token.prefix, token.expires_at)


def client_for_token(client_id: int, days: int) -> ApiClient:
    """Return the client that a token of so many days may be made for.

    Raises:
        TokenLifetimeError, UnknownClientError: as they say.
    """
    if not 1 <= days <= _LONGEST_DAYS:
        raise TokenLifetimeError(f"A token lives for 1 to {_LONGEST_DAYS} days.")
    client = ApiClient.objects.filter(pk=client_id).first()
    if client is None:
        raise UnknownClientError(client_id)
    return client


@transaction.atomic
def revoke_token(*, token_id: int, acting_user: Person | None, reason: str, now: datetime) -> None:
    """End a token now; the next call with it is refused.

    Raises:
        ReasonRequiredError, TokenRevokedError: as they say.
    """
    require_reason(reason)
    token = ApiToken.objects.select_for_update().filter(pk=token_id).first()
    if token is None or token.revoked_at is not None:
        raise TokenRevokedError("The token is revoked already, or there is none.")
    token.revoked_at = max(now, token.issued_at)
    token.revoked_reason = reason.strip()[:200]
    token.save(update_fields=["revoked_at", "revoked_reason"])
    record_audit(
        action="operator_api.token.revoked",
        actor=acting_user,
        subject=f"operator_api.apitoken:{token.pk}",
        details={"prefix": token.prefix, "through": _through(acting_user)},
        reason=reason.strip(),
        now=now,
    )


def authenticate(secret: str, *, now: datetime) -> Credentials | None:
    """Return whose token this is, or None for one that is unknown, over or revoked."""
    token = (
        ApiToken.objects.select_related("client")
        .filter(digest=digest_of(secret), revoked_at__isnull=True, expires_at__gt=now)
        .first()
    )
    if token is None:
        return None
    _note_use(token, now)
    return Credentials(
        client_id=token.client_id,
        client_name=token.client.name,
        token_id=token.pk,
        scopes=frozenset(token.client.scopes),
    )


def _note_use(token: ApiToken, now: datetime) -> None:
    """Note the use, once a minute: a write in every call would make one hot row."""
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - _USE_IS_NOTED_EVERY)
    if token.last_used_at is None or token.last_used_at < now - _USE_IS_NOTED_EVERY:
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)


def _through(user: Person | None) -> str:
    return "command line" if user is None else "back office"


def _pk(user: Person | None) -> int | None:
    return None if user is None else user.pk
