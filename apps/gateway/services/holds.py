"""Comparing the held and pending pots with the rounds that explain them."""

from django.db import connection

from apps.gateway import statements


def holds_out_of_step() -> list[str]:
    """Return a sentence for each player whose held or pending pot no open round explains."""
    with connection.cursor() as cursor:
        cursor.execute(statements.HOLDS_OUT_OF_STEP)
        return [
            f"Player {player_id}: {pot} says {balance}, the open rounds say {explained}."
            for player_id, pot, balance, explained in cursor.fetchall()
        ]
