"""The OpenAPI document is complete: every path, every refusal, and nothing that isn't so."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command

from apps.operator_api.api.urls import urlpatterns
from tests.operator_api.contract import require_documented


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path: Path = tmp_path_factory.mktemp("schema") / "schema.yml"
    call_command("spectacular", "--validate", "--fail-on-warn", f"--file={path}", stderr=StringIO())
    return yaml.safe_load(path.read_text())


def _operations(document: Any) -> list[tuple[str, str, Any]]:
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_route_is_documented(document: Any) -> None:
    routes = {
        "/api/v1/" + str(route.pattern).replace("<str:", "{").replace(">", "}")
        for route in urlpatterns
        if route.name != "nothing-here"
    }
    assert set(document["paths"]) == routes


def test_every_operation_names_its_token_its_refusals_and_itself(document: Any) -> None:
    operations = _operations(document)
    assert len(operations) == 18
    for path, method, operation in operations:
        assert operation["security"] == [{"ApiToken": []}], path
        assert operation["operationId"], path
        assert operation["summary"], path
        assert {"401", "403", "429"} <= operation["responses"].keys(), path
        if method in {"post", "put"}:
            assert {"400", "413", "415"} <= operation["responses"].keys(), path
    assert document["components"]["securitySchemes"]["ApiToken"]["scheme"] == "bearer"


def test_every_refusal_has_the_one_shape(document: Any) -> None:
    for path, _, operation in _operations(document):
        for status, response in operation["responses"].items():
            if int(status) < 400:
                continue
            [content] = response["content"].values()
            name = content["schema"]["$ref"].rpartition("/")[2]
            assert name in {"ProblemAnswer", "LaunchRefusedAnswer"}, (path, status)


def test_request_objects_are_closed(document: Any) -> None:
    schemas = document["components"]["schemas"]
    requests = [name for name in schemas if name.endswith("Request")]
    assert len(requests) >= 6
    assert all(schemas[name]["additionalProperties"] is False for name in requests)


@pytest.mark.parametrize(
    ("status", "changes", "complaint"),
    [
        (418, {}, "undocumented"),
        (400, {"why": "x"}, "body.why is not documented"),
        (400, {"code": 1}, "body.code is no string"),
        (400, {"errors": [{"field": "", "code": "x"}]}, r"body.errors\[0\] has no detail"),
        (400, {"errors": None}, "body.errors is no array"),
    ],
)
def test_an_answer_that_the_document_does_not_tell_of_fails_its_test(
    status: int, changes: dict[str, Any], complaint: str
) -> None:
    """Every call of these tests is compared with the document (``contract.py``)."""
    refusal = {"code": "x", "detail": "y", "errors": []}
    require_documented("POST", "/api/v1/transfers", 400, refusal)
    with pytest.raises(AssertionError, match=complaint):
        require_documented("POST", "/api/v1/transfers", status, refusal | changes)
