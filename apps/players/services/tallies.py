"""Adding what a batch counted to the players' hours."""

from apps.core.batches import Cursor, columns
from apps.players import statements
from apps.players.protection import Protection


def save_tallies(cursor: Cursor, protection: Protection) -> None:
    """Add what a batch counted to its hours, and its refusals to theirs; set-based.

    Part of the round's transaction, under the same wallet locks.
    """
    rows = [
        (*key, t.staked_minor, t.won_minor, t.deposited_minor, t.slots, t.checks)
        for key, t in sorted(protection.tallies.items())
    ]
    if rows:
        cursor.execute(statements.ADD_TO_TALLIES, columns(rows))
    taken = [row[:5] for row in rows if min(row[2:5]) < 0]
    if taken:
        cursor.execute(statements.TAKE_FROM_TALLIES, columns(taken))
    refused = [
        (player_id, hour, code, count)
        for (player_id, hour, code), count in sorted(protection.refusals.items())
    ]
    if refused:
        cursor.execute(statements.COUNT_REFUSALS, columns(refused))
