"""What the OpenAPI document says beyond what the views say themselves."""

from collections.abc import Callable
from typing import Any, Final, override

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.response import Response

from apps.operator_api.api.answers import LaunchRefusedAnswer, ProblemAnswer
from apps.operator_api.api.problems import NOT_FOUND
from apps.operator_api.enums import Scope

_TEXTS: Final = {
    400: "The request is not valid; ``errors`` names each field.",
    401: "No token, or one that is not valid.",
    403: "The client lacks the scope.",
    404: NOT_FOUND,
    409: "The state of things speaks against it; ``code`` says what.",
    413: "The body is too large.",
    415: "The body is not of the type that the operation takes.",
    422: "The Idempotency-Key was used for a request with other content.",
    502: "The provider gave no usable answer; ``code`` says how. Ask again later.",
    503: "A checker, scanner or store does not answer; nothing was taken. Come back later.",
    429: "Too many requests; ``Retry-After`` says when to come back.",
}
_NOT_FOUND_EXAMPLE: Final = OpenApiExample(
    "Not found", value={"code": "not_found", "detail": NOT_FOUND, "errors": []}
)
_REFUSED_EXAMPLE: Final = OpenApiExample(
    "Launch refused",
    value={
        "code": "launch_refused",
        "detail": "Self-exclusion until it is ended.",
        "errors": [
            {"field": "", "code": "self_excluded", "detail": "Self-exclusion until it is ended."}
        ],
        "support_links": [{"name": "A helpline", "phone": "", "url": "https://help.example"}],
    },
)


def _idempotency_key(description: str, *, required: bool) -> OpenApiParameter:
    return OpenApiParameter(
        "Idempotency-Key",
        {"type": "string", "pattern": "^[!-~]{1,128}$", "minLength": 1, "maxLength": 128},
        OpenApiParameter.HEADER,
        required=required,
        description=description,
    )


IDEMPOTENCY_KEY: Final = _idempotency_key(
    "Your own key of this payment, kept for ever: the same request again gets the first answer,"
    " another one with the same key is refused.",
    required=True,
)
FUNDING_KEY: Final = _idempotency_key(
    "Needed with fund, and read with it only: the money moves once per key. The same request "
    "again opens another session on the money that moved the first time; another one with the "
    "same key is refused.",
    required=False,
)


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # the base has no types
    target_class = "apps.operator_api.api.authentication.BearerAuthentication"
    name = "ApiToken"

    @override
    def get_security_definition(self, _auto_schema: AutoSchema) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of an API client: manage.py create_api_client.",
        }


def documented[View: Callable[..., Response]](
    operation_id: str,
    scope: Scope,
    answers: dict[int, Any],
    *,
    refusals: tuple[int, ...] = (),
    **options: Any,
) -> Callable[[View], View]:
    """Return the decorator that documents one operation with every refusal that it may answer."""
    responses: dict[int, Any] = dict(answers)
    for status in (401, 403, 429, *refusals):
        responses.setdefault(status, _refusal(status))
    options.setdefault("tags", [scope.value.partition(":")[0]])
    decorate: Callable[[View], View] = extend_schema(
        operation_id=operation_id, responses=responses, **options
    )
    return decorate


def refused_launch() -> OpenApiResponse:
    return OpenApiResponse(
        LaunchRefusedAnswer,
        description="The launch gate says no, with every reason; or the client lacks the scope.",
        examples=[_REFUSED_EXAMPLE],
    )


def _refusal(status: int) -> OpenApiResponse:
    examples = [_NOT_FOUND_EXAMPLE] if status == 404 else []
    return OpenApiResponse(ProblemAnswer, description=_TEXTS[status], examples=examples)


def close_request_objects(result: Any, **_: Any) -> Any:
    """Say that request objects take no other fields than those named: they are refused."""
    for name, schema in result.get("components", {}).get("schemas", {}).items():
        if name.endswith("Request") and schema.get("type") == "object":
            schema["additionalProperties"] = False
    return result
