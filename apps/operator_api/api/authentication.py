"""Who calls, what they may do, and how often."""

from typing import TYPE_CHECKING, Any, Final, override

import structlog
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import RedisError
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from apps.operator_api import services
from apps.operator_api.contracts import Credentials

if TYPE_CHECKING:
    from rest_framework.views import APIView

logger = structlog.get_logger(__name__)

_LONGEST_TOKEN: Final = 128


class InvalidBearerTokenError(AuthenticationFailed):
    """One answer for a token that is unknown, over or revoked: which one is nobody's business."""

    default_detail = "The token is not valid."
    default_code = "invalid_token"


class BearerAuthentication(BaseAuthentication):
    """``Authorization: Bearer pbk_…``. A client is no person: the user stays anonymous."""

    @override
    def authenticate(self, request: Request) -> tuple[AnonymousUser, Credentials] | None:
        parts = get_authorization_header(request).split()
        if not parts:
            return None
        if len(parts) != 2 or parts[0].lower() != b"bearer" or len(parts[1]) > _LONGEST_TOKEN:
            raise InvalidBearerTokenError
        found = services.authenticate(parts[1].decode("latin-1"), now=timezone.now())
        if found is None:
            raise InvalidBearerTokenError
        structlog.contextvars.bind_contextvars(api_client=found.client_name)
        return AnonymousUser(), found

    @override
    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="operator-api"'


class MissingScopeError(PermissionDenied):
    """The request asks for more than the view: another scope is needed for it."""

    default_code = "missing_scope"

    def __init__(self, needed: str) -> None:
        super().__init__(_lacks(needed))


class HasScope(BasePermission):
    """The view says which scope it needs; a view that says none answers nobody."""

    code = "missing_scope"

    @override
    def has_permission(self, request: Request, view: "APIView") -> bool:
        needed = getattr(view, "scope", None)
        self.message = _lacks(needed)
        return isinstance(request.auth, Credentials) and needed in request.auth.scopes


def _lacks(scope: object) -> str:
    return f"The client lacks the scope {scope}."


class PerClient(SimpleRateThrottle):
    """So many calls a minute per client. Without Valkey nobody is held up: it guards no money."""

    scope = "operator_api"
    THROTTLE_RATES = {"operator_api": "1200/min"}
    cache = cache

    @override
    def get_cache_key(self, request: Request, view: "APIView") -> str | None:
        if not isinstance(request.auth, Credentials):
            return None
        return f"throttle:operator_api:{request.auth.client_id}"

    @override
    def allow_request(self, request: Request, view: "APIView") -> bool:
        try:
            return bool(super().allow_request(request, view))
        except (RedisError, OSError):
            logger.warning("operator_api.throttle.unavailable")
            return True


class AlwaysJson(BaseContentNegotiation):
    """There is one kind of answer, whatever the client says that it accepts."""

    @override
    def select_parser(self, request: Request, parsers: Any) -> Any:
        given = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == given), None)

    @override
    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        return renderers[0], renderers[0].media_type
