"""What the ledger's database refuses by itself, whoever asks: each constraint and trigger."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from apps.wallet.models import Account, Transfer
from tests.gateway.builders import open_player

INSERT = """
INSERT INTO wallet_transfer (idempotency_key, batch_id, debit_account_id, credit_account_id,
    amount_minor, currency, kind, subject, occurred_at, created_at, note)
VALUES (%(key)s, gen_random_uuid(), %(debit)s, %(credit)s, %(amount)s, %(currency)s, %(kind)s,
    's', now(), now(), '')
"""


def run(sql: str, params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def refused(sql: str, params: Any = None, *, naming: str) -> None:
    """Run a statement as anybody might and assert that the database refuses it by this name."""
    before = list(Account.objects.order_by("pk").values_list()), Transfer.objects.count()
    with pytest.raises(DatabaseError, match=naming), transaction.atomic():
        run(sql, params)
    assert (list(Account.objects.order_by("pk").values_list()), Transfer.objects.count()) == before


@pytest.fixture
def accounts(db: None) -> dict[str, int]:
    open_player("p-1", cash_minor=1_000, currency="AUD")
    open_player("p-2", currency="EUR")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # nothing pending may mask a refusal
    found = {
        f"{account.player.player_ref}:{account.pot}" if account.player else account.house: account
        for account in Account.objects.select_related("player")
    }
    return {name: account.pk for name, account in found.items()}


@pytest.mark.parametrize(
    ("changes", "naming"),
    [
        ({"amount": 0}, "wallet_transfer_amount_positive"),
        ({"amount": -1}, "wallet_transfer_amount_positive"),
        ({"amount": None}, "null value"),
        ({"amount": "NaN"}, "invalid input syntax"),
        ({"amount": 2**63}, "out of range"),
        ({"credit": "deposits"}, "wallet_transfer_between_two_accounts"),
        ({"kind": "gift"}, "wallet_transfer_kind_is_known"),
        ({"key": "opening:p-1"}, "idempotency_key"),
        ({"currency": "EUR"}, "wallet_transfer_debit_account_holds_its_currency"),
        ({"credit": "p-2:cash"}, "wallet_transfer_credit_account_holds_its_currency"),
        ({"debit": "p-2:cash"}, "wallet_transfer_debit_account_holds_its_currency"),
    ],
)
def test_a_transfer_that_breaks_a_rule_is_refused_by_name(
    accounts: dict[str, int], changes: dict[str, Any], naming: str
) -> None:
    values = {
        "key": "k-1",
        "debit": "deposits",
        "credit": "p-1:cash",
        "amount": 1,
        "currency": "AUD",
        "kind": "deposit",
        **changes,
    }
    values["debit"], values["credit"] = accounts[values["debit"]], accounts[values["credit"]]
    refused(INSERT, values, naming=naming)


@pytest.mark.parametrize("side", ["debit", "credit"])
@pytest.mark.parametrize(
    "before",
    [
        "",
        "CREATE TEMP TABLE wallet_account AS SELECT -1::bigint AS id, 'AUD' AS currency;",
    ],
    ids=["plainly", "with another table of the name"],
)
def test_no_transfer_names_an_account_that_is_not_there(
    accounts: dict[str, int], side: str, before: str
) -> None:
    values = {"debit": accounts["deposits"], "credit": accounts["p-1:cash"], side: -1}
    with pytest.raises(DatabaseError) as refusal, transaction.atomic():
        run(
            before + INSERT,
            {"key": "k-1", "amount": 1, "currency": "AUD", "kind": "deposit"} | values,
        )
    assert f"wallet_transfer_{side}_account_holds_its_currency" in str(refusal.value)
    assert Transfer.objects.count() == 1  # the opening balance


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE wallet_transfer SET amount_minor = amount_minor + 1",
        "UPDATE wallet_transfer SET note = 'other'",
        "DELETE FROM wallet_transfer",
        "TRUNCATE wallet_transfer CASCADE",
        (
            "INSERT INTO wallet_transfer SELECT * FROM wallet_transfer"
            " ON CONFLICT (idempotency_key) DO UPDATE SET amount_minor = 1"
        ),
        (
            "MERGE INTO wallet_transfer t USING wallet_transfer s ON t.id = s.id"
            " WHEN MATCHED THEN DELETE"
        ),
        "DELETE FROM wallet_account",
        "TRUNCATE wallet_account CASCADE",
        "UPDATE wallet_account SET pot = 'bonus' WHERE pot = 'cash'",
        "UPDATE wallet_account SET currency = 'USD'",
        "UPDATE wallet_account SET player_id = NULL",
        "UPDATE wallet_account SET id = id + 1000000",
    ],
)
def test_history_and_ownership_can_not_be_rewritten(accounts: dict[str, int], sql: str) -> None:
    refused(sql, naming="pgtrigger")


@pytest.mark.parametrize(
    ("sql", "naming"),
    [
        (
            "UPDATE wallet_account SET balance_minor = -1 WHERE player_id IS NOT NULL",
            "wallet_account_player_balance_not_negative",
        ),
        (
            "UPDATE wallet_account SET balance_minor = 1 WHERE player_id IS NULL",
            "wallet_account_house_carries_no_balance",
        ),
        (
            "UPDATE wallet_account SET balance_minor = 1000000000000000001 WHERE pot = 'cash'",
            "wallet_account_balance_not_above_the_largest",
        ),
        (
            (
                "INSERT INTO wallet_account (house, pot, currency, balance_minor)"
                " VALUES ('', '', 'AUD', 0)"
            ),
            "wallet_account_is_a_player_pot_or_a_house_account",
        ),
        (
            (
                "INSERT INTO wallet_account (player_id, house, pot, currency, balance_minor)"
                " SELECT player_id, 'bank', 'cash', 'AUD', 0 FROM wallet_account"
                " WHERE player_id IS NOT NULL LIMIT 1"
            ),
            "wallet_account_is_a_player_pot_or_a_house_account",
        ),
        (
            (
                "INSERT INTO wallet_account (player_id, house, pot, currency, balance_minor)"
                " SELECT player_id, '', 'savings', 'AUD', 0 FROM wallet_account"
                " WHERE player_id IS NOT NULL LIMIT 1"
            ),
            "wallet_account_is_a_player_pot_or_a_house_account",
        ),
        (
            (
                "INSERT INTO wallet_account (house, pot, currency, balance_minor)"
                " VALUES ('deposits', '', 'AUD', 0)"
            ),
            "wallet_account_unique_per_owner_pot_and_currency",
        ),
    ],
)
def test_an_account_that_breaks_a_rule_is_refused_by_name(
    accounts: dict[str, int], sql: str, naming: str
) -> None:
    refused(sql, naming=naming)


def test_a_player_with_money_can_not_be_deleted(accounts: dict[str, int]) -> None:
    refused("DELETE FROM players_player", naming="foreign key|pgtrigger")
