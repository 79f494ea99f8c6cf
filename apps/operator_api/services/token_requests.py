"""A token that moves money: one person asks, another agrees, the first picks it up, once."""

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.operator_api.contracts import NewToken
from apps.operator_api.enums import MONEY_SCOPES
from apps.operator_api.errors import NoSecondPersonNeededError, SecondPersonNeededError
from apps.operator_api.selectors import MONEY_CLIENT_APPROVAL, token_subject, token_to_pick_up
from apps.operator_api.services.clients import client_for_token, issue_token
from apps.staff.contracts import ApprovalGrant
from apps.staff.locks import lock_approval
from apps.staff.services import request_approval
from apps.staff.services.approvals import Person


@transaction.atomic
def request_token(
    *, client_id: int, days: int, acting_user: Person, reason: str, now: datetime
) -> int:
    """Ask a second person for a client's token; returns the approval's id.

    Raises:
        TokenLifetimeError, UnknownClientError: as they say.
        NoSecondPersonNeededError: the client moves no money.
        AlreadyPendingError, ReasonRequiredError, NotAllowedToDecideError: as they say.
    """
    client = client_for_token(client_id, days)
    if MONEY_SCOPES.isdisjoint(client.scopes):
        raise NoSecondPersonNeededError
    approval = request_approval(
        kind=MONEY_CLIENT_APPROVAL,
        subject=token_subject(client.pk),
        title=f"Issue a token that moves money to {client.name}, for {days} days",
        payload={
            "client": client.name,
            "client_id": client.pk,
            "scopes": client.scopes,
            "days": days,
        },
        requested_by=acting_user,
        reason=reason,
        now=now,
    )
    return approval.pk


def execute_token(approved: ApprovalGrant) -> dict[str, Any]:
    """Allow the requester to pick the token up; only then is there a secret, shown to one person.

    Raises:
        UnknownClientError, TokenLifetimeError: as they say.
    """
    client_for_token(approved.payload["client_id"], approved.payload["days"])
    return {"next": "Whoever asked picks the token up on the client's page."}


@transaction.atomic
def pick_up_token(*, client_id: int, acting_user: Person, now: datetime) -> NewToken:
    """Issue the token that was agreed on to the person who asked for it, once.

    Raises:
        SecondPersonNeededError: nothing agreed on waits for this person.
    """
    agreed = token_to_pick_up(client_id, acting_user.pk or 0, now)
    if agreed is None:
        raise SecondPersonNeededError
    lock_approval(agreed.pk)
    # Read again under the lock: of two clicks at once, the second finds it picked up.
    if token_to_pick_up(client_id, acting_user.pk or 0, now) != agreed:
        raise SecondPersonNeededError
    return issue_token(
        client_id=client_id,
        days=agreed.payload["days"],
        acting_user=acting_user,
        reason=agreed.request_reason,
        now=now,
        approval_id=agreed.pk,
    )
