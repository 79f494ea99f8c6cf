"""How clients and keyed requests are read."""

from apps.operator_api.models import ApiClient, ApiToken, IdempotentRequest


def client_by_name(name: str) -> ApiClient | None:
    return ApiClient.objects.filter(name=name).first()


def tokens_of(client_id: int) -> list[ApiToken]:
    """Return a client's tokens, newest first."""
    tokens = ApiToken.objects.filter(client_id=client_id).select_related("issued_by")
    return list(tokens.order_by("-issued_at", "-pk"))


def latest_requests(client_id: int, *, limit: int = 20) -> list[IdempotentRequest]:
    """Return the keyed requests that a client made last."""
    return list(IdempotentRequest.objects.filter(client_id=client_id).order_by("-pk")[:limit])
