"""What the upgrade of a table that is being played on may do to it."""

import pytest
from django.core.management import call_command
from django.db import connection


@pytest.mark.django_db
def test_the_key_of_a_rounds_player_stays_while_its_own_index_goes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("sqlmigrate", "rounds", "0019")
    lines = [line for line in capsys.readouterr().out.splitlines() if line and line[:2] != "--"]
    assert lines == ["DROP INDEX CONCURRENTLY IF EXISTS rounds_round_player_id_6a0b13b4;"]

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.indexrelid::regclass::text FROM pg_index i"
            " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
            " WHERE i.indrelid = 'rounds_round'::regclass AND a.attname = 'player_id'"
        )
        assert cursor.fetchall() == [("rounds_round_of_player",)]
        cursor.execute(
            "SELECT convalidated, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = 'rounds_round'::regclass AND confrelid = 'players_player'::regclass"
        )
        key = "FOREIGN KEY (player_id) REFERENCES players_player(id) DEFERRABLE INITIALLY DEFERRED"
        assert cursor.fetchall() == [(True, key)]
