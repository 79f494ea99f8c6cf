"""Counting refused input: one bounded row per provider, reason and day."""

from collections.abc import Sequence
from datetime import UTC

from apps.core.batches import Cursor, columns
from apps.gateway import statements
from apps.gateway.contracts import Refused


def count_refusals(cursor: Cursor, refused: Sequence[Refused]) -> None:
    """Add refusals to their counters with one statement."""
    if not refused:
        return
    groups: dict[tuple[int | None, str, object], list[Refused]] = {}
    for one in refused:
        groups.setdefault((one.provider_id, one.code, one.at.astimezone(UTC).date()), []).append(
            one
        )
    rows = [
        (
            *key,
            len(group),
            group[-1].event_id,
            group[-1].detail[:200],
            group[0].at,
            group[-1].at,
        )
        for key, group in groups.items()
    ]
    cursor.execute(statements.COUNT_REFUSALS, columns(rows))
