"""The ledger's guards fire in every session, and a pot's name is one of those that exist."""

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from apps.wallet.models import Account
from tests.gateway.builders import open_player


@pytest.mark.django_db
def test_every_trigger_of_the_wallet_fires_always() -> None:
    tables = [model._meta.db_table for model in apps.get_app_config("wallet").get_models()]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname, tgenabled, (tgtype & 32) > 0, (tgtype & 1) > 0"
            " FROM pg_trigger WHERE NOT tgisinternal AND tgrelid::regclass::text = ANY(%s)",
            [tables],
        )
        triggers = cursor.fetchall()
    assert [name for _, name, enabled, _, _ in triggers if enabled != "A"] == []
    truncate = {table for table, _, _, is_truncate, _ in triggers if is_truncate}
    row = {table for table, _, _, _, is_row in triggers if is_row}
    assert truncate == row == set(tables)


@pytest.mark.django_db
@pytest.mark.parametrize("pot", ["sub:aurora", "transferred:Hub-88_x", "sub:" + "a" * 32])
def test_a_pot_may_be_set_apart_for_a_provider(pot: str) -> None:
    player = open_player("p-1")
    Account.objects.create(player=player, pot=pot, currency="AUD")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "pot", ["", "gold", "sub:", "sub", "sub:a b", "sub:" + "a" * 33, "cash:aurora", "held "]
)
def test_a_pot_that_nobody_knows_is_refused(pot: str) -> None:
    player = open_player("p-1")
    naming = "wallet_account_is_a_player_pot_or_a_house_account"
    with pytest.raises(DatabaseError, match=naming), transaction.atomic():
        Account.objects.create(player=player, pot=pot, currency="AUD")
