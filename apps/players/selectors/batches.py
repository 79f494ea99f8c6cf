"""Loading what protects the players of a batch."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apps.core.batches import Cursor
from apps.players import rules, statements
from apps.players.enums import LimitKind, Measure, Window
from apps.players.protection import (
    Protection,
    ProtectionState,
    Term,
    Used,
    slots_of,
    window_start,
)


def load_protection(cursor: Cursor, player_ids: Sequence[int], now: datetime) -> Protection:
    """Return the protection of players, with at most two statements whatever their number.

    ``now`` is the earliest moment of the batch: a window may reach too far back, never too short.
    The caller holds the players' wallet locks, so no stake is counted meanwhile.
    """
    protection = Protection(loaded=frozenset(player_ids))
    if not player_ids:
        return protection
    players = list(player_ids)
    cursor.execute(
        statements.LOAD_PROTECTION,
        [players, rules.capped_jurisdictions(), players, now, players, now],
    )
    for (
        what,
        player_id,
        name,
        place,
        currency,
        born,
        amount,
        starts_at,
        ends_at,
    ) in cursor.fetchall():
        state = protection.states.setdefault(player_id, ProtectionState(as_of=now))
        match what:
            case "player":
                state.status, state.jurisdiction = name, place
                state.currency, state.born = currency, born
            case "exclusion":
                state.exclusions.append(Term(name, starts_at, ends_at))
            case _:
                state.limits.append(Term(name, starts_at, ends_at, amount))
    _load_tallies(cursor, protection, now)
    return protection


def _load_tallies(cursor: Cursor, protection: Protection, now: datetime) -> None:
    kinds = {
        player_id: [LimitKind(term.kind) for term in state.limits]
        for player_id, state in protection.states.items()
        if state.limits
    }
    if not kinds:
        return
    windows = {kind.window for found in kinds.values() for kind in found}
    longest = next(w for w in (Window.MONTH, Window.WEEK, Window.DAY) if w in windows)
    timed = [p for p, found in kinds.items() if any(k.measure == Measure.TIME for k in found)]
    day, week = window_start(Window.DAY, now), window_start(Window.WEEK, now)
    cursor.execute(
        statements.LOAD_TALLIES,
        [day, day, day, week, week, week, timed, timed, sorted(kinds), window_start(longest, now)],
    )
    for player_id in kinds:
        protection.states[player_id].used = {window: Used() for window in windows}
    for row in cursor.fetchall():
        _fill(protection.states[row[0]], windows, row)


def _fill(state: ProtectionState, windows: set[Window], row: Sequence[Any]) -> None:
    sums = {
        Window.DAY: Used(*row[1:4]),
        Window.WEEK: Used(*row[4:7]),
        Window.MONTH: Used(*row[7:10]),
    }
    state.used = {window: sums[window] for window in windows}
    for hour, bits in zip(row[10], row[11], strict=True):
        state.played.update(slots_of(hour, bits))
