"""Comparing pots with the rows that explain them: open rounds, and transfers on their way."""

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


def transit_out_of_step() -> list[str]:
    """Return a sentence for each provider whose money in transit no open transfer explains."""
    with connection.cursor() as cursor:
        cursor.execute(statements.TRANSIT_OUT_OF_STEP)
        return [
            f"In transit with {provider} ({currency}): the ledger says {folded}, the open "
            f"transfers say {explained}."
            for provider, currency, folded, explained in cursor.fetchall()
        ]
