"""What a page's form holds after it was sent: what stands in each field, and what is said of it."""

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any, override

from django.core.exceptions import NON_FIELD_ERRORS

ABOVE_THE_FORM = NON_FIELD_ERRORS


class _Fields(HTMLParser):
    """Reads the value that a browser would send for each field."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self._area: str | None = None
        self._select = ""

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        name, value = found.get("name") or "", found.get("value") or ""
        if tag == "textarea":
            self._area = name
            self.values[name] = [""]
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in found:
            self.values.setdefault(self._select, []).append(value)
        elif tag == "input" and name:
            is_box = found.get("type") in {"checkbox", "radio"}
            if is_box and "value" not in found:
                value = "on"  # as a browser sends it
            if not is_box or "checked" in found:
                self.values.setdefault(name, []).append(value)

    @override
    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self.values[self._area][0] += data

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = None


def as_shown(answer: Any) -> dict[str, list[str]]:
    """Return what a browser would send if nobody touched the page's form."""
    parser = _Fields()
    parser.feed(answer.content.decode())
    return {
        name: [value.strip() for value in values]
        for name, values in parser.values.items()
        if not name.startswith("csrf")
    }


def assert_kept(answer: Any, typed: Mapping[str, Any], *, beside: str, says: str) -> None:
    """Assert that a refused form stands there as it was typed, with the refusal at its field."""
    assert answer.status_code in {200, 400}, answer
    parser = _Fields()
    parser.feed(answer.content.decode())
    for name, value in typed.items():
        wanted = [str(one) for one in (value if isinstance(value, list) else [value])]
        shown = [one.strip() for one in parser.values.get(name, [""])]
        assert shown == wanted, f"{name} was {wanted} and is {shown}"
    context = answer.context
    form = context["adminform"].form if "adminform" in context else context["form"]
    assert any(says in message for message in form.errors.get(beside, [])), form.errors
