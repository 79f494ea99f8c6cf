"""Reading and writing rounds and events in batches, for whoever holds the players' locks."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from operator import attrgetter

from apps.core.batches import Cursor, columns
from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.rounds import statements
from apps.rounds.contracts import (
    AttemptRow,
    ConflictRow,
    DeliveryRow,
    DriftRow,
    EventRow,
    RoundRow,
    VerdictRow,
)

EventKey = tuple[int, str]


_event_columns = attrgetter(*statements.EVENT_COLUMNS)
_event_changes = attrgetter(*statements.EVENT_CHANGES)
_round_columns = attrgetter(*statements.ROUND_COLUMNS)
_round_changes = attrgetter(*statements.ROUND_CHANGES)


def find_events(cursor: Cursor, keys: Iterable[EventKey]) -> dict[EventKey, EventRow]:
    """Return the stored events of ``(provider id, event id)`` keys."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    cursor.execute(statements.FIND_EVENTS, columns(wanted))
    events = [EventRow(*row) for row in cursor.fetchall()]
    return {(event.provider_id, event.event_id): event for event in events}


def find_tombstones(cursor: Cursor, keys: Iterable[EventKey]) -> set[EventKey]:
    """Return the keys that a stored rollback names."""
    wanted = sorted(set(keys))
    if not wanted:
        return set()
    cursor.execute(statements.FIND_TOMBSTONES, columns(wanted))
    return {(provider_id, event_id) for provider_id, event_id in cursor.fetchall()}


def find_rounds(
    cursor: Cursor, ids: Iterable[int], keys: Iterable[tuple[int, str, int]]
) -> list[RoundRow]:
    """Return rounds by id or by ``(provider id, round, player id)``, each with its held events."""
    wanted = sorted(set(keys))
    keyed = columns(wanted) if wanted else ["{}", "{}", "{}"]
    cursor.execute(statements.FIND_ROUNDS, [sorted(set(ids)), *keyed])
    return [RoundRow(*row) for row in cursor.fetchall()]


def find_held_events(cursor: Cursor, round_ids: Sequence[int]) -> list[EventRow]:
    """Return the events of rounds whose money is still held, oldest first."""
    if not round_ids:
        return []
    cursor.execute(statements.FIND_HELD_EVENTS, [list(round_ids)])
    return [EventRow(*row) for row in cursor.fetchall()]


def find_standing_stakes(cursor: Cursor, round_ids: Sequence[int]) -> list[EventRow]:
    """Return the stakes of rounds that were taken and not given back, oldest first."""
    if not round_ids:
        return []
    cursor.execute(statements.FIND_STANDING_STAKES, [list(round_ids)])
    return [EventRow(*row) for row in cursor.fetchall()]


def find_taken_events(cursor: Cursor, round_id: int) -> list[EventRow]:
    """Return the events of a round whose stake was taken and stands, oldest first."""
    cursor.execute(statements.FIND_TAKEN_EVENTS, [round_id])
    return [EventRow(*row) for row in cursor.fetchall()]


def find_corrected(cursor: Cursor, keys: Collection[EventKey]) -> set[EventKey]:
    """Return which of these events people corrected."""
    if not keys:
        return set()
    providers, events = columns(sorted(keys))
    cursor.execute(statements.FIND_CORRECTED, [providers, events])
    return {(provider_id, event_id) for provider_id, event_id in cursor.fetchall()}


def find_settling_wins(
    cursor: Cursor, stakes: Iterable[tuple[int, str, int, int]]
) -> set[EventKey]:
    """Return the stakes that a win stands against, asked by provider, event, round and player."""
    wanted = sorted(set(stakes))
    if not wanted:
        return set()
    providers, events, rounds, players = columns(wanted)
    cursor.execute(
        statements.FIND_SETTLING_WINS, [providers, events, rounds, providers, events, players]
    )
    return {(provider_id, event_id) for provider_id, event_id in cursor.fetchall()}


def find_bonus_staked_before(
    cursor: Cursor, rounds: Iterable[tuple[int, datetime]]
) -> dict[int, int]:
    """Return what rounds staked from bonus funds before a moment, in minor units, by round id."""
    wanted = sorted(set(rounds))
    if not wanted:
        return {}
    cursor.execute(statements.FIND_BONUS_STAKED_BEFORE, columns(wanted))
    return dict(cursor.fetchall())


def draw_ids(cursor: Cursor, *, events: int, rounds: int) -> tuple[list[int], list[int]]:
    """Draw ids beforehand, so that new rows can name each other within one batch."""
    cursor.execute(statements.DRAW_IDS, [events, rounds])
    drawn = cursor.fetchall()
    return [new_id for kind, new_id in drawn if kind == "event"], [
        new_id for kind, new_id in drawn if kind == "round"
    ]


def save_rounds(cursor: Cursor, rounds: Iterable[RoundRow]) -> None:
    """Write new and changed rounds."""
    rows = list(rounds)
    new = [_round_columns(row) for row in rows if row.is_new]
    changed = [_round_changes(row) for row in rows if row.is_changed and not row.is_new]
    if new:
        cursor.execute(statements.INSERT_ROUNDS, columns(new))
    if changed:
        cursor.execute(statements.UPDATE_ROUNDS, columns(changed))


def save_events(cursor: Cursor, events: Iterable[EventRow]) -> bool:
    """Write new and changed events; False where another process stored one of the new first."""
    rows = list(events)
    new = [_event_columns(row) for row in rows if row.is_new]
    changed = [_event_changes(row) for row in rows if row.is_changed and not row.is_new]
    if new:
        cursor.execute(statements.INSERT_EVENTS, columns(new))
        if len(cursor.fetchall()) != len(new):
            return False
    if changed:
        cursor.execute(statements.UPDATE_EVENTS, columns(changed))
    return True


def save_attempts(cursor: Cursor, attempts: Sequence[AttemptRow]) -> None:
    """Record further deliveries of events."""
    if attempts:
        cursor.execute(
            statements.INSERT_ATTEMPTS,
            columns(
                [
                    (a.provider_id, a.event_id, a.delivery_id, a.received_at, a.status, a.code)
                    for a in attempts
                ]
            ),
        )


def save_conflicts(cursor: Cursor, conflicts: Sequence[ConflictRow]) -> list[EventKey]:
    """Count conflicts and return the keys of those that deserve an alert: real and new as such."""
    if not conflicts:
        return []
    counts = Counter((c.provider_id, c.event_id, c.fingerprint) for c in conflicts)
    last = {(c.provider_id, c.event_id, c.fingerprint): c for c in conflicts}
    real = {
        (c.provider_id, c.event_id, c.fingerprint) for c in conflicts if not c.is_of_test_player
    }
    rows = [
        (
            *key,
            json.dumps(c.content, default=str),
            counts[key],
            c.seen_at,
            c.delivery_id,
            key not in real,
        )
        for key, c in last.items()
    ]
    cursor.execute(statements.UPSERT_CONFLICTS, [REHEARSAL_JURISDICTION, *columns(rows)])
    return [
        (provider_id, event_id)
        for provider_id, event_id, deserves_alert in cursor.fetchall()
        if deserves_alert
    ]


def find_drift(
    cursor: Cursor, provider_ids: Sequence[int], player_ids: Sequence[int]
) -> dict[tuple[int, int], int]:
    """Return the last balance difference per ``(provider id, player id)``, in minor units."""
    cursor.execute(statements.FIND_DRIFT, [list(provider_ids), list(player_ids)])
    return {(provider_id, player_id): minor for provider_id, player_id, minor in cursor.fetchall()}


def save_drift(cursor: Cursor, drift: Sequence[DriftRow]) -> None:
    """Remember changed balance differences; the last of a player in the batch stands."""
    if drift:
        last = {(d.provider_id, d.player_id): d for d in drift}
        rows = [
            (d.provider_id, d.player_id, d.difference_minor, d.event_id, d.changed_at)
            for d in last.values()
        ]
        cursor.execute(statements.UPSERT_DRIFT, columns(rows))


def store_deliveries(cursor: Cursor, deliveries: Sequence[DeliveryRow]) -> list[int]:
    """Store deliveries byte for byte, before anything of them is judged; return their ids."""
    rows = [
        (
            d.provider_id,
            d.received_at,
            d.message_id,
            d.key_id,
            d.path,
            json.dumps(d.headers),
            d.body,
        )
        for d in deliveries
    ]
    cursor.execute(statements.INSERT_DELIVERIES, columns(rows))
    return [row[0] for row in cursor.fetchall()]


def save_verdicts(cursor: Cursor, verdicts: Sequence[VerdictRow]) -> None:
    """Record what was answered; the first verdict of a delivery stands."""
    if verdicts:
        rows = [
            (v.delivery_id, v.http_status, json.dumps(v.results), v.judged_at) for v in verdicts
        ]
        cursor.execute(statements.INSERT_VERDICTS, columns(rows))
