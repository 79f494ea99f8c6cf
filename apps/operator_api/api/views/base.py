from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, override

from django.utils import timezone
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from apps.operator_api.api.authentication import (
    AlwaysJson,
    BearerAuthentication,
    HasScope,
    PerClient,
)
from apps.operator_api.api.parsing import StrictJsonParser
from apps.operator_api.api.problems import handle_exception
from apps.operator_api.contracts import Credentials
from apps.operator_api.enums import Scope


def checked(form: type[Serializer[Any]], sent: Any) -> dict[str, Any]:
    """Return the fields that a client sent, as the form of this request takes them.

    Raises:
        ValidationError: a field is missing, unknown or not as it should be.
    """
    request = form(data=sent)
    request.is_valid(raise_exception=True)
    wanted: dict[str, Any] = request.validated_data
    return wanted


class OperatorView(APIView):
    """One resource of the operator's API: a token, a scope, one service call, one shape of no."""

    scope: ClassVar[Scope]
    authentication_classes = [BearerAuthentication]
    permission_classes = [HasScope]
    throttle_classes = [PerClient]
    parser_classes = [StrictJsonParser]
    content_negotiation_class = AlwaysJson
    metadata_class = None  # OPTIONS is not answered

    @override
    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        return handle_exception

    @property
    def client(self) -> Credentials:
        credentials = self.request.auth
        if not isinstance(credentials, Credentials):
            raise TypeError("HasScope lets nobody else through.")
        return credentials

    @property
    def now(self) -> datetime:
        return timezone.now()


class NothingHereView(OperatorView):
    """Every other path: as unknown as an unknown player."""

    schema = None

    @override
    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.perform_authentication(request)
        if not isinstance(request.auth, Credentials):
            self.permission_denied(request)
        raise NotFound
