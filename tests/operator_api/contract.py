"""Every answer that a test gets from the API is one that the OpenAPI document tells of."""

import json
import re
import threading
from functools import cache
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

from django.core.management import call_command

_FIRST_READING = threading.Lock()
_PARAMETER = re.compile(r"\{[^}]+\}")
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}


def require_documented(method: str, path: str, status: int, body: Any) -> None:
    """Fail where the document names no such answer of the operation, or another body."""
    operation = _operation(method, urlsplit(path).path)
    if operation is None:
        assert status in {401, 404, 405}, f"{method} {path} is not documented and answers {status}"
        return
    response = operation["responses"].get(str(status))
    assert response is not None, f"{method} {path} answers {status}, undocumented: {body}"
    schemas = [content["schema"] for content in response.get("content", {}).values()]
    assert bool(schemas) == (body is not None), f"{method} {path} answers {status} with {body}"
    for schema in schemas:
        wrong = misfits(schema, body)
        assert not wrong, f"{method} {path} answers {status}: {', '.join(wrong)}"


def misfits(schema: Any, value: Any, place: str = "body") -> list[str]:
    """Name where a value is not as its schema says; an object has no fields but those named."""
    if "$ref" in schema:
        known = document()["components"]["schemas"]
        return misfits(known[schema["$ref"].rpartition("/")[2]], value, place)
    if value is None and schema.get("nullable"):
        return []
    found = [one for part in schema.get("allOf", []) for one in misfits(part, value, place)]
    kind = schema.get("type")
    if kind is not None and not _is(kind, value):
        return [*found, f"{place} is no {kind}"]
    if kind == "array":
        for index, item in enumerate(value):
            found += misfits(schema["items"], item, f"{place}[{index}]")
    if kind == "object" and "properties" in schema:
        named = schema["properties"]
        found += [
            f"{place} has no {name}" for name in schema.get("required", []) if name not in value
        ]
        found += [f"{place}.{name} is not documented" for name in value if name not in named]
        for name in value.keys() & named.keys():
            found += misfits(named[name], value[name], f"{place}.{name}")
    return found


def _is(kind: str, value: Any) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _operation(method: str, path: str) -> Any:
    with _FIRST_READING:  # forty calls at once would write the document forty times over each other
        paths = _paths()
    for pattern, methods in paths:
        if pattern.fullmatch(path):
            return methods.get(method.lower())
    return None


@cache
def document() -> Any:
    written = StringIO()
    call_command("spectacular", "--format=openapi-json", stdout=written, stderr=StringIO())
    return json.loads(written.getvalue())


@cache
def _paths() -> list[tuple[re.Pattern[str], Any]]:
    return [
        (re.compile(_PARAMETER.sub("[^/]+", path)), methods)
        for path, methods in document()["paths"].items()
    ]
