"""What waits on the gateways' disks while their database is away."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from apps.core.admin import Panel, at_cell, badge
from apps.core.sizes import display_size
from apps.gateway.contracts import SpoolFacts

_SILENT_AFTER: Final = timedelta(minutes=2)
_NOTE: Final = (
    "Played rounds that a provider may leave with us while the database is away. They are brought "
    "in by themselves, in order; until then new stakes on that gateway are refused. What was set "
    "aside can't be read or was not authentic: a person looks at it in the folder quarantine."
)


def spool_panel(reports: Sequence[SpoolFacts], now: datetime) -> Panel:
    """Show per gateway what waits on disk, how much may, and how old the figures are."""
    waits = any(one.waiting or one.set_aside for one in reports)
    return Panel(
        title="Waiting on disk, by gateway",
        note=_NOTE,
        columns=[
            "Gateway",
            "Deliveries waiting",
            "Size",
            "Oldest received",
            "Set aside",
            "Last brought in",
            "Reported",
        ],
        rows=[_row(one, now) for one in reports],
        empty_text="No gateway has reported for a day. Each does within half a minute.",
        tone="warning" if waits else "",
        anchor="spool",
    )


def _row(one: SpoolFacts, now: datetime) -> list[str]:
    is_silent = one.reported_at < now - _SILENT_AFTER
    waiting = f"{one.waiting:,} of at most {one.most_waiting:,}"
    return [
        one.gateway,
        badge(waiting, "warning") if one.waiting else waiting,
        f"{display_size(one.waiting_bytes)} of at most {display_size(one.most_bytes)}",
        at_cell(one.oldest_at) if one.oldest_at else "nothing waits",
        badge(f"{one.set_aside:,}", "danger") if one.set_aside else "0",
        at_cell(one.drained_at) if one.drained_at else "never",
        badge(f"silent since {one.reported_at:%Y-%m-%d %H:%M} UTC", "warning")
        if is_silent
        else at_cell(one.reported_at),
    ]
