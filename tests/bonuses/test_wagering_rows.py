"""The set-based statements of the wagering path, on Django's cursor and on a plain psycopg one."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from apps.bonuses import statements
from apps.bonuses.contracts import Receipt, WageringState, WeightTable
from apps.bonuses.enums import GrantState, ReceiptReason
from apps.bonuses.models import Grant, WageringReceipt
from apps.bonuses.selectors import grants_out_of_step, receipts_of_event
from apps.bonuses.services.grants import expire_grants
from apps.bonuses.services.wagering import (
    count_bet,
    load_receipts,
    load_wagering,
    reverse_bet,
    save_wagering,
)
from tests.big_rows import fill
from tests.bonuses.makers import NOW, activate, make_draft, make_grant, make_player, make_rule
from tests.plans import plan_of
from tests.races import race

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def cursor() -> Iterator[Any]:
    with connection.cursor() as django_cursor:
        yield django_cursor


def bet(state: WageringState, subject: str, stake: int = 200) -> tuple[Receipt, WageringState]:
    return count_bet(
        state,
        subject=subject,
        game_code="aurora-slot-01",
        category="slot",
        stake_minor=stake,
        occurred_at=LATER,
    )


def test_a_loaded_state_holds_the_terms_of_the_grants_own_rule_version(cursor: Any) -> None:
    make_rule(contribution_cap_minor=100)
    player, bystander = make_player(), make_player()
    grant = make_grant(player)
    activate(make_draft(weights=WeightTable({}, {"slot": 1}), max_bet_minor=1))
    states = load_wagering(cursor, [bystander.pk, player.pk])
    state = states[player.pk]
    assert list(states) == [player.pk]
    assert (state.grant_id, state.player_id, state.currency) == (grant.pk, player.pk, "AUD")
    assert (state.remaining_minor, state.required_minor) == (1_200_000, 1_200_000)
    assert (state.rule_id, state.rule_version) == (grant.rule_id, 1)
    assert (state.max_bet_minor, state.contribution_cap_minor) == (500, 100)
    assert state.weights.weight_bp("aurora-blackjack-01", "blackjack") == 0
    assert state.weights.weight_bp("aurora-blackjack-02", "blackjack") == 500
    assert (state.granted_at, state.expires_at) == (grant.granted_at, grant.expires_at)
    assert state.state == GrantState.ACTIVE


def test_nothing_is_asked_of_the_database_for_nobody(cursor: Any) -> None:
    assert load_wagering(cursor, []) == {}
    assert load_receipts(cursor, []) == {}
    save_wagering(cursor, [], [], LATER)


def test_a_batch_of_bets_is_saved_and_read_back_as_it_was_counted(cursor: Any) -> None:
    make_rule()
    player = make_player()
    grant = make_grant(player)
    state = load_wagering(cursor, [player.pk])[player.pk]
    receipts = []
    for number, stake in enumerate([200, 501, 0]):
        receipt, state = bet(state, f"aurora:e{number}", stake)
        receipts.append(receipt)
    save_wagering(cursor, receipts, [state], LATER)
    grant.refresh_from_db()
    assert grant.remaining_minor == 1_199_800
    loaded = load_receipts(cursor, ["aurora:e0", "aurora:e1", "aurora:e2", "aurora:other"])
    assert [loaded[f"aurora:e{number}"][0].reason for number in range(3)] == [
        ReceiptReason.COUNTED,
        ReceiptReason.OVER_MAX_BET,
        ReceiptReason.NO_STAKE,
    ]
    first = loaded["aurora:e0"][0]
    assert (first.counted_minor, first.remaining_after_minor) == (200, 1_199_800)
    assert (first.rule_version, first.occurred_at) == (1, LATER)
    assert receipts_of_event("aurora:e0")[0].counted_minor == 200
    assert list(grants_out_of_step()) == []


def test_completing_closes_the_grant_at_the_time_given(cursor: Any) -> None:
    make_rule(max_bet_minor=None)
    player = make_player()
    grant = make_grant(player)
    state = load_wagering(cursor, [player.pk])[player.pk]
    receipt, state = bet(state, "aurora:e1", 5_000_000)
    save_wagering(cursor, [receipt], [state], LATER)
    grant.refresh_from_db()
    assert (grant.state, grant.remaining_minor, grant.closed_at) == ("completed", 0, LATER)
    assert load_wagering(cursor, [player.pk]) == {}


def test_a_rollback_brings_the_requirement_back_to_the_unit(cursor: Any) -> None:
    make_rule()
    player = make_player()
    grant = make_grant(player)
    state = load_wagering(cursor, [player.pk])[player.pk]
    receipt, state = bet(state, "aurora:e1")
    save_wagering(cursor, [receipt], [state], LATER)

    state = load_wagering(cursor, [player.pk])[player.pk]
    reversals, after = reverse_bet(state, load_receipts(cursor, ["aurora:e1"])["aurora:e1"])
    assert after is not None
    save_wagering(cursor, reversals, [after], LATER)
    grant.refresh_from_db()
    assert grant.remaining_minor == grant.required_minor
    assert list(grants_out_of_step()) == []

    again, _ = reverse_bet(after, load_receipts(cursor, ["aurora:e1"])["aurora:e1"])
    assert again == []


def test_a_rollback_after_the_grant_closed_is_kept_and_flagged(cursor: Any) -> None:
    make_rule()
    player = make_player()
    grant = make_grant(player)
    state = load_wagering(cursor, [player.pk])[player.pk]
    receipt, state = bet(state, "aurora:e1")
    save_wagering(cursor, [receipt], [state], LATER)
    expire_grants(grant.expires_at)

    assert load_wagering(cursor, [player.pk]) == {}
    reversals, after = reverse_bet(None, load_receipts(cursor, ["aurora:e1"])["aurora:e1"])
    save_wagering(cursor, reversals, [], LATER)
    assert after is None
    row = WageringReceipt.objects.get(is_reversal=True)
    assert (row.counted_minor, row.unrecovered_minor) == (0, 200)
    assert (row.remaining_before_minor, row.remaining_after_minor) == (1_199_800, 1_199_800)
    assert list(grants_out_of_step()) == []


def test_the_database_refuses_to_count_a_bet_twice(cursor: Any) -> None:
    make_rule()
    player = make_player()
    make_grant(player)
    state = load_wagering(cursor, [player.pk])[player.pk]
    receipt, state = bet(state, "aurora:e1")
    save_wagering(cursor, [receipt], [state], LATER)
    with (
        pytest.raises(IntegrityError, match="bonuses_receipt_once_per_grant_and_bet"),
        transaction.atomic(),
    ):
        save_wagering(cursor, [receipt], [state], LATER)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"counted_minor": 100}, "bonuses_receipt_remaining_adds_up"),
        (
            {"counted_minor": 201, "remaining_after_minor": 1_199_799},
            "bonuses_receipt_counts_at_most_its_weight",
        ),
        (
            {"counted_minor": -1, "remaining_after_minor": 1_200_001},
            "bonuses_receipt_only_reversals_take_back",
        ),
        ({"is_reversal": True}, "bonuses_receipt_only_reversals_take_back"),
        ({"reason": "luck"}, "bonuses_receipt_reason_is_known"),
    ],
)
def test_the_database_refuses_a_receipt_that_does_not_add_up(
    change: dict[str, Any], constraint: str, cursor: Any
) -> None:
    make_rule()
    player = make_player()
    make_grant(player)
    receipt, _ = bet(load_wagering(cursor, [player.pk])[player.pk], "aurora:e1")
    save_wagering(cursor, [receipt], [], LATER)
    row = WageringReceipt.objects.get()
    row.pk, row.subject = None, "aurora:e2"
    for field, value in change.items():
        setattr(row, field, value)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        row.save(force_insert=True)


def test_the_database_refuses_to_change_or_delete_a_receipt(cursor: Any) -> None:
    make_rule()
    player = make_player()
    make_grant(player)
    receipt, _ = bet(load_wagering(cursor, [player.pk])[player.pk], "aurora:e1")
    save_wagering(cursor, [receipt], [], LATER)
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        WageringReceipt.objects.update(stake_minor=1)
    with pytest.raises(DatabaseError, match="Cannot"), transaction.atomic():
        WageringReceipt.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_a_plain_psycopg_cursor_does_the_same() -> None:
    make_rule()
    player = make_player()
    grant = make_grant(player)
    parameters = connection.get_connection_params()
    address = {
        name: parameters[name]
        for name in ("dbname", "host", "port", "user", "password")
        if name in parameters
    }
    with psycopg.connect(**address) as plain, plain.cursor() as cursor:
        state = load_wagering(cursor, [player.pk])[player.pk]
        receipt, state = bet(state, "aurora:e1")
        save_wagering(cursor, [receipt], [state], LATER)
        assert load_receipts(cursor, ["aurora:e1"])["aurora:e1"] == [receipt]
    grant.refresh_from_db()
    assert grant.remaining_minor == 1_199_800


def _playing(player_id: int, subject: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        state = load_wagering(cursor, [player_id])[player_id]
        receipt, state = bet(state, subject)
        save_wagering(cursor, [receipt], [state], LATER)


@pytest.mark.django_db(transaction=True)
def test_bets_at_once_all_count() -> None:
    make_rule()
    player = make_player()
    grant = make_grant(player)
    outcomes = race([partial(_playing, player.pk, f"aurora:e{number}") for number in range(8)])
    assert outcomes == [None] * 8
    grant.refresh_from_db()
    assert grant.remaining_minor == 1_200_000 - 8 * 200
    assert list(grants_out_of_step()) == []


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_bets_at_once_would_be_lost() -> None:
    """The control: the same steps on a state that was read and not locked lose a bet."""
    make_rule()
    player = make_player()
    grant = make_grant(player)
    read = threading.Barrier(2)

    def play(subject: str) -> None:
        with connection.cursor() as cursor:
            state = load_wagering(cursor, [player.pk])[player.pk]  # autocommit: the lock is gone
            read.wait(timeout=30)
            receipt, state = bet(state, subject)
            save_wagering(cursor, [receipt], [state], LATER)

    assert race([lambda: play("aurora:e1"), lambda: play("aurora:e2")]) == [None, None]
    grant.refresh_from_db()
    assert grant.remaining_minor == 1_200_000 - 200
    assert list(grants_out_of_step()) == [(grant.pk, 200, 400)]


def test_loading_finds_active_grants_by_an_index() -> None:
    # Each player has had ten, and one of them still runs.
    state = "CASE WHEN mod(i, 10) = 0 THEN 'active' ELSE 'cancelled' END"
    fill([Grant], rows=5_000, values={"player_id": "i / 10 + 1", "state": state})
    plan = plan_of(statements.LOCK_ACTIVE_GRANTS, [[1, 2]])
    assert "bonuses_grant_one_active_per_player" in plan, plan
