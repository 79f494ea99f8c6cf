"""How a test follows a figure to the rows behind it."""

import re
from collections.abc import Iterator, Sequence
from html import unescape
from typing import Any

from django.test import Client

from apps.core.admin import Panel
from apps.gateway.models import Rejection

_LINK = re.compile(r'<a [^>]*href="([^"]+)"')
_TAGS = re.compile(r"<[^>]+>")


def rows_behind(client: Client, address: str) -> int:
    """Count what the page lists: a list's rows, what counting rows count, or its panels' rows."""
    response: Any = client.get(address)
    assert response.status_code == 200, address
    changelist = response.context.get("cl")
    if changelist is not None and changelist.model is Rejection:
        return sum(row.count for row in changelist.queryset)
    if changelist is not None:
        return int(changelist.result_count)
    return sum(len(panel.rows) for panel in response.context["panels"])


def linked_counts(panel: Panel) -> Iterator[tuple[str, int, str]]:
    """Yield where each whole number of a panel stands, the number, and where it leads."""
    for row in panel.rows:
        for cell in row:
            link = _LINK.search(str(cell))
            text = _TAGS.sub("", str(cell)).strip().replace(",", "")
            if link is not None and text.isdigit():
                yield f"{panel.title}: {row[0]}", int(text), unescape(link.group(1))


def assert_counts_open_to_their_rows(client: Client, panels: Sequence[Panel]) -> int:
    """Follow every linked whole number; an anchor is a panel of the same page. Returns how many."""
    anchors = {f"#{panel.anchor}": panel for panel in panels if panel.anchor}
    followed = 0
    for where, figure, address in (found for panel in panels for found in linked_counts(panel)):
        if not address.startswith("#"):
            assert rows_behind(client, address) == figure, f"{where} leads to {address}"
            followed += 1
            continue
        assert address in anchors, f"{where} leads to {address}"
    return followed
