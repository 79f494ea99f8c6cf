"""Our side when all is quiet, read from the tables beside the product's own code."""

from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.rows import tuple_row

from apps.gateway.http.spool import quarantine_of
from apps.players.contracts import REHEARSAL_JURISDICTION
from tests.soak.contracts import OurEvent, Ours

_QUIET: Final = """
SELECT
    (SELECT count(*) FROM rounds_delivery d WHERE NOT EXISTS (
        SELECT 1 FROM rounds_deliveryverdict v WHERE v.delivery_id = d.id)),
    (SELECT count(*) FROM core_outboxmessage WHERE done_at IS NULL AND parked_at IS NULL),
    (SELECT count(*) FROM core_outboxmessage WHERE parked_at IS NOT NULL)
"""
# Held stakes left the player's hand; pending wins are the player's, only not yet to spend.
_LEDGER: Final = """
SELECT subject, sum(net)::bigint FROM (
    SELECT t.subject, CASE WHEN c.pot IN ('cash', 'bonus', 'pending') THEN t.amount_minor ELSE 0 END
        - CASE WHEN d.pot IN ('cash', 'bonus', 'pending') THEN t.amount_minor ELSE 0 END AS net
    FROM wallet_transfer t
    JOIN wallet_account c ON c.id = t.credit_account_id
    JOIN wallet_account d ON d.id = t.debit_account_id
    WHERE t.kind <> 'opening_balance'
) moved GROUP BY subject
"""
_EVENTS: Final = """
SELECT p.code, e.event_id,
    CASE WHEN e.round_type = 'rollback' THEN 'rollback' ELSE e.operation END,
    e.player_ref, e.currency, e.bet_minor, e.win_minor, e.status, e.code, e.money_state
FROM rounds_roundevent e JOIN providers_provider p ON p.id = e.provider_id
WHERE e.origin = 'callback' ORDER BY e.id
"""
_BALANCES: Final = """
SELECT p.player_ref, sum(a.balance_minor)::bigint,
    (sum(a.balance_minor) FILTER (WHERE a.pot <> 'pending'))::bigint
FROM wallet_account a JOIN players_player p ON p.id = a.player_id
WHERE a.pot IN ('cash', 'bonus', 'pending') GROUP BY p.player_ref
"""
_CONFLICTS: Final = """
SELECT p.code, c.event_id FROM rounds_conflict c JOIN providers_provider p ON p.id = c.provider_id
"""
# Somebody is told of a conflict, but where it is between test players, as the soak's are.
_TO_TELL: Final = f"""
SELECT count(*) FROM rounds_conflict c
JOIN rounds_roundevent e ON e.event_id = c.event_id AND e.provider_id = c.provider_id
LEFT JOIN players_player p ON p.id = e.player_id
WHERE p.jurisdiction IS DISTINCT FROM '{REHEARSAL_JURISDICTION}'
"""
_ALERTS: Final = """
SELECT count(*) FROM core_outboxmessage
WHERE topic = 'rounds.conflict_seen' AND done_at IS NOT NULL
"""


def quiet(connection: psycopg.Connection) -> tuple[int, int, int]:
    """Return what is still to be done: deliveries unjudged, outbox waiting, outbox parked."""
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(_QUIET).fetchone()
    return (row[0], row[1], row[2]) if row else (0, 0, 0)


def on_disk(spool: Path) -> tuple[int, int]:
    """Return how many files of the gateway's spool wait, and how many it has set aside."""
    set_aside = quarantine_of(spool)
    return len(list(spool.glob("*.seg"))), len(list(set_aside.glob("*.json")))


def read_ours(connection: psycopg.Connection, spool: Path, problems: list[str]) -> Ours:
    """Read everything that the checker compares. ``problems``: what ``verify_ledger`` found."""
    spool_waiting, spool_set_aside = on_disk(spool)
    unjudged, waiting, parked = quiet(connection)
    nets = dict(_rows(connection, _LEDGER))
    events = tuple(
        OurEvent(*(*row, nets.pop(f"{row[0]}:{row[1]}", 0))) for row in _rows(connection, _EVENTS)
    )
    conflicts = _rows(connection, _CONFLICTS)
    balances = _rows(connection, _BALANCES)
    return Ours(
        events=events,
        balances={player: balance for player, balance, _ in balances},
        spendable={player: spendable for player, _, spendable in balances},
        conflicts=frozenset((code, event_id) for code, event_id in conflicts),
        stray_subjects=tuple(sorted(nets)),
        problems=tuple(problems),
        unjudged=unjudged,
        outbox_waiting=waiting,
        outbox_parked=parked,
        spool_waiting=spool_waiting,
        spool_set_aside=spool_set_aside,
        conflict_alerts=_rows(connection, _ALERTS)[0][0],
        conflict_events=_rows(connection, _TO_TELL)[0][0],
    )


def _rows(connection: psycopg.Connection, statement: Any) -> list[tuple[Any, ...]]:
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(statement).fetchall()
