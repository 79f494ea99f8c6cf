"""Millions of stored rounds in minutes: what the gateway wrote for one event, multiplied.

Every column comes from rows the gateway itself wrote, so that the fill follows the schema; ids,
keys, players and times are spread. Ids are random text, as providers' are, so that each index is
as wide as in real life. In this database only, and only while filling, ``session_replication_role``
is ``replica``: foreign keys and triggers are not run. The indexes of each table, but for its
primary key, are dropped and built again afterwards, which is the same index in less time. A stored
round wins what it staked, so that no balance moves and the ledger still folds to its balances.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

STEP = 500_000

# One row of ``filled`` per round: its number, random text, player and moment.
_STEP_TABLE = """
CREATE TEMP TABLE filled AS
SELECT i, md5('f' || i) AS ref, p.player_id, p.player_ref, p.account_id,
    now() - make_interval(secs => 5184000.0 * (%(total)s - i) / %(total)s) AS moment
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS i
JOIN players_numbered p ON p.number = (i * 7919) %% %(players)s
"""
_PLAYERS = """
CREATE TEMP TABLE players_numbered AS
SELECT row_number() OVER (ORDER BY p.id) - 1 AS number, p.id AS player_id, p.player_ref,
    a.id AS account_id
FROM players_player p JOIN wallet_account a ON a.player_id = p.id AND a.pot = 'cash'
"""
_ROUND = {
    "id": "f.i + %(rounds)s",
    "round_ref": "'r-' || f.ref",
    "player_id": "f.player_id",
    "win_minor": "t.stake_minor",
    "opened_at": "f.moment",
    "settled_at": "f.moment",
}
_EVENT = {
    "id": "f.i + %(events)s",
    "event_id": "f.ref",
    "fingerprint": "f.ref || f.ref",
    "round_id": "f.i + %(rounds)s",
    "round_ref": "'r-' || f.ref",
    "player_id": "f.player_id",
    "player_ref": "f.player_ref",
    "win_minor": "t.bet_minor",
    "occurred_at": "f.moment",
    "received_at": "f.moment",
}
_TRANSFER = {
    "id": "2 * f.i + (t.kind = 'win')::int + %(transfers)s",
    "idempotency_key": "'bench:' || f.ref || ':' || t.kind",
    "subject": "'bench:' || f.ref",
    "debit_account_id": "CASE WHEN t.kind = 'win' THEN t.debit_account_id ELSE f.account_id END",
    "credit_account_id": "CASE WHEN t.kind = 'win' THEN f.account_id ELSE t.credit_account_id END",
    "amount_minor": "(SELECT max(amount_minor) FROM wallet_transfer_template)",
    "occurred_at": "f.moment",
    "created_at": "f.moment",
    "batch_id": "gen_random_uuid()",
}
_TEMPLATES = {
    "rounds_round": "SELECT * FROM rounds_round WHERE id = %(round_id)s",
    "rounds_roundevent": "SELECT * FROM rounds_roundevent WHERE id = %(event_id)s",
    "wallet_transfer": "SELECT * FROM wallet_transfer WHERE subject = %(subject)s",
}
_SPREAD = {"rounds_round": _ROUND, "rounds_roundevent": _EVENT, "wallet_transfer": _TRANSFER}


@dataclass(frozen=True)
class Filled:
    rounds: int
    seconds: float
    gib: float


def fill(connection: psycopg.Connection, rounds: int, say: Callable[[str], None]) -> Filled:
    """Store ``rounds`` rounds with an event and two transfers each, like the last one stored."""
    started = time.monotonic()
    # Values go into the text of statements, since CREATE TABLE AS takes no parameters.
    connection.cursor_factory = psycopg.ClientCursor
    connection.execute("SET session_replication_role = replica")
    connection.execute("SET synchronous_commit = off")
    connection.execute("SET maintenance_work_mem = '1GB'")
    connection.execute(sql.SQL(_PLAYERS))
    names = _template(connection)
    indexes = {table: _drop_indexes(connection, table) for table in _SPREAD}
    done = 0
    while done < rounds:
        last = min(done + STEP, rounds)
        _step(connection, names | {"first": done + 1, "last": last, "total": rounds})
        done = last
        say(f"{done:,} of {rounds:,} rounds stored after {time.monotonic() - started:.0f} s")
    for table, (definitions, constraints) in indexes.items():
        for definition in [*definitions, *constraints]:
            connection.execute(sql.SQL(definition))
        _move_sequence(connection, table)
        say(f"indexes of {table} built after {time.monotonic() - started:.0f} s")
    for table in _SPREAD:
        connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(table)))
    connection.execute("CHECKPOINT")
    connection.execute("SET session_replication_role = origin")
    [(size,)] = connection.execute("SELECT pg_database_size(current_database())")
    gibibytes = round(size / 2**30, 1)
    return Filled(rounds, round(time.monotonic() - started, 1), gibibytes)


def _template(connection: psycopg.Connection) -> dict[str, Any]:
    """Name the last settled event, and where the ids of new rows begin."""
    row = connection.execute(
        "SELECT e.id, e.round_id, p.code || ':' || e.event_id FROM rounds_roundevent e "
        "JOIN providers_provider p ON p.id = e.provider_id "
        "WHERE e.status = 'accepted' AND e.money_state = 'settled' ORDER BY e.id DESC LIMIT 1"
    ).fetchone()
    if row is None:
        raise SystemExit("There is no event to multiply: drive the gateway first.")
    names: dict[str, Any] = {"event_id": row[0], "round_id": row[1], "subject": row[2]}
    for table, query in _TEMPLATES.items():
        connection.execute(f"CREATE TEMP TABLE {table}_template AS {query}", names)
    for short, table in (
        ("rounds", "rounds_round"),
        ("events", "rounds_roundevent"),
        ("transfers", "wallet_transfer"),
    ):
        newest = connection.execute(
            sql.SQL("SELECT coalesce(max(id), 0) FROM {}").format(sql.Identifier(table))
        ).fetchone()
        names[short] = newest[0] if newest else 0
    players = connection.execute("SELECT count(*) FROM players_numbered").fetchone()
    names["players"] = players[0] if players else 0
    return names


def _step(connection: psycopg.Connection, names: dict[str, Any]) -> None:
    connection.execute("DROP TABLE IF EXISTS filled")
    connection.execute(_STEP_TABLE, names)
    for table, spread in _SPREAD.items():
        columns = [
            row[0]
            for row in connection.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s "
                "AND is_generated = 'NEVER' ORDER BY ordinal_position",
                [table],
            ).fetchall()
        ]
        values = ", ".join(spread.get(column, f't."{column}"') for column in columns)
        quoted = ", ".join(f'"{column}"' for column in columns)
        query = (
            f"INSERT INTO {table} ({quoted}) OVERRIDING SYSTEM VALUE "
            f"SELECT {values} FROM filled f CROSS JOIN {table}_template t ORDER BY 1"
        )
        connection.execute(query, names)


def _drop_indexes(connection: psycopg.Connection, table: str) -> tuple[list[str], list[str]]:
    """Drop what is no primary key, and return the statements that build it again."""
    constraints = connection.execute(
        "SELECT conname, format('ALTER TABLE %%I ADD CONSTRAINT %%I %%s', conrelid::regclass, "
        "conname, pg_get_constraintdef(oid)) FROM pg_constraint c "
        "WHERE conrelid = %s::regclass AND contype = 'u' AND NOT EXISTS ("
        "  SELECT 1 FROM pg_constraint f WHERE f.contype = 'f' AND f.conindid = c.conindid)",
        [table],
    ).fetchall()
    for name, _ in constraints:
        connection.execute(
            sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(
                sql.Identifier(table), sql.Identifier(name)
            )
        )
    indexes = connection.execute(
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i "
        "WHERE i.indrelid = %s::regclass AND NOT EXISTS ("
        "  SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid)",
        [table],
    ).fetchall()
    for name, _ in indexes:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.SQL(name)))
    return [row[1] for row in indexes], [row[1] for row in constraints]


def _move_sequence(connection: psycopg.Connection, table: str) -> None:
    connection.execute(
        sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), (SELECT max(id) FROM {}))").format(
            sql.Literal(table), sql.Identifier(table)
        )
    )
