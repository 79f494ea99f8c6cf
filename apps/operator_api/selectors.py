"""How clients and keyed requests are read."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from apps.operator_api.models import ApiClient, ApiToken, IdempotentRequest
from apps.staff.selectors import agreed_requests, pending_approvals

if TYPE_CHECKING:
    from apps.staff.models import Approval

MONEY_CLIENT_APPROVAL: Final = "operator_api.token"
"""The kind of approval that agrees to a token which moves money."""

_PICK_UP_WITHIN: Final = timedelta(days=7)


def client_by_name(name: str) -> ApiClient | None:
    return ApiClient.objects.filter(name=name).first()


def tokens_of(client_id: int) -> list[ApiToken]:
    """Return a client's tokens, newest first."""
    tokens = ApiToken.objects.filter(client_id=client_id).select_related("issued_by")
    return list(tokens.order_by("-issued_at", "-pk"))


def latest_requests(client_id: int, *, limit: int = 20) -> list[IdempotentRequest]:
    """Return the keyed requests that a client made last."""
    return list(IdempotentRequest.objects.filter(client_id=client_id).order_by("-pk")[:limit])


def token_subject(client_id: int) -> str:
    return f"api_client:{client_id}"


def token_asked_for(client_id: int) -> "Approval | None":
    """Return the request for a token of a client that awaits a second person, if any."""
    return pending_approvals(MONEY_CLIENT_APPROVAL).get(token_subject(client_id))


def token_to_pick_up(client_id: int, asked_by: int, now: datetime) -> "Approval | None":
    """Return the approval of a token that a person asked for and has yet to pick up, if any."""
    agreed = agreed_requests(
        MONEY_CLIENT_APPROVAL,
        token_subject(client_id),
        asked_by=asked_by,
        since=now - _PICK_UP_WITHIN,
    )
    taken = ApiToken.objects.filter(approval_id__in=[one.pk for one in agreed])
    used = set(taken.values_list("approval_id", flat=True))
    return next((one for one in agreed if one.pk not in used), None)
