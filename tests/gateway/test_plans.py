"""The gateway's plans live as long as its connection; none may depend on how full tables were."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from config.databases import database_settings
from tests.gateway.builders import Casino, open_casino, open_player

pytestmark = pytest.mark.django_db(transaction=True)

MADE_BY_PLAY = (
    "players_hourtally",
    "rounds_delivery",
    "rounds_deliveryverdict",
    "rounds_round",
    "rounds_roundevent",
    "wallet_transfer",
)


@pytest.fixture
def casino() -> Iterator[Casino]:
    """A casino whose callbacks are applied over a connection of the gateway's own kind."""
    made = open_casino()
    plain = connection.settings_dict["OPTIONS"]
    connection.close()
    connection.settings_dict["OPTIONS"] = database_settings(None, Path(), "gateway")["OPTIONS"]
    yield made
    connection.close()
    connection.settings_dict["OPTIONS"] = plain


def read_whole() -> dict[str, int]:
    """Return how many rows were ever read by going through a whole table, by table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT relname, seq_tup_read FROM pg_stat_user_tables WHERE relname = ANY(%s)",
            [list(MADE_BY_PLAY)],
        )
        return dict(cursor.fetchall())


def play(casino: Casino, name: str, count: int, *, bodies: int = 1) -> None:
    """Send bodies of ``count`` events that each open and settle a round of one of two players."""
    for body in range(bodies):
        casino.send(
            *(
                casino.event(f"{name}-{body}-{n}", round_id=f"{name}-{body}-{n}", player_id=player)
                for n in range(count)
                for player in [("p-1001", "p-2002")[n % 2]]
            )
        )


def test_a_batch_reads_by_key_although_its_plans_were_made_when_the_tables_were_empty(
    casino: Casino,
) -> None:
    open_player("p-2002", cash_minor=10_000)
    play(casino, "first", 1)
    with connection.cursor() as cursor:
        # What autovacuum does when it happens to come by on the first day.
        cursor.execute(f"VACUUM ANALYZE {', '.join(MADE_BY_PLAY)}")
    # So often that the server stops planning these statements anew.
    play(casino, "few", 2, bodies=8)
    before = read_whole()

    play(casino, "many", 100, bodies=3)

    assert read_whole() == before


def read_beside_the_key() -> int:
    """Return how many index entries were read by going through a whole provider or player."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes "
            "WHERE relname IN ('rounds_round', 'rounds_roundevent') "
            "AND (indexrelname LIKE '%\\_day' OR indexrelname LIKE 'rounds\\_round\\_player%')"
        )
        return int(cursor.fetchone()[0])


def test_a_look_up_goes_by_its_key_although_all_indexes_looked_alike_when_it_was_planned(
    casino: Casino,
) -> None:
    open_player("p-2002", cash_minor=100_000)
    play(casino, "first", 1)
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {', '.join(MADE_BY_PLAY)}")
    play(casino, "few", 1, bodies=10)
    before = read_beside_the_key()

    play(casino, "many", 100, bodies=3)

    assert read_beside_the_key() == before
