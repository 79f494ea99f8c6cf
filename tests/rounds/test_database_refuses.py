"""What the database refuses of rounds, events and refusals by itself, whoever asks."""

import pytest
from django.db import DatabaseError, connection, transaction

from apps.rounds.models import RoundEvent
from tests.gateway.builders import Casino, open_casino


@pytest.fixture
def casino(db: None) -> Casino:
    """A casino with a settled, a held, a refused and a rolled-back event, and a conflict."""
    casino = open_casino()
    casino.send(
        casino.event("e-1", round_id="r-0"),
        casino.tentative("e-2"),
        casino.tentative("e-3", bet_amount="500.00"),
        casino.event("e-4", checksum="0" * 64),
        casino.rollback("b-1", "e-1"),
    )
    casino.send(casino.event("e-1", win_amount="9.99"))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # nothing pending may mask a refusal
    return casino


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM rounds_roundevent",
        "TRUNCATE rounds_roundevent CASCADE",
        "DELETE FROM rounds_round",
        "UPDATE rounds_roundevent SET bet_minor = bet_minor + 1",
        "UPDATE rounds_roundevent SET win_minor = 0",
        "UPDATE rounds_roundevent SET event_id = event_id || 'x'",
        "UPDATE rounds_roundevent SET fingerprint = 'x'",
        "UPDATE rounds_roundevent SET player_ref = 'p-9'",
        "UPDATE rounds_roundevent SET occurred_at = now()",
        "UPDATE rounds_roundevent SET currency = 'EUR'",
        "UPDATE rounds_roundevent SET round_type = 'jackpot'",
        "UPDATE rounds_roundevent SET game_code = 'other'",
        "UPDATE rounds_roundevent SET reference_event_id = 'e-9'",
        "UPDATE rounds_delivery SET body = ''",
        "UPDATE rounds_deliveryverdict SET http_status = 500",
        "UPDATE rounds_eventattempt SET status = 'accepted'",
    ],
)
def test_what_a_provider_sent_and_we_answered_can_not_be_rewritten(
    casino: Casino, sql: str
) -> None:
    before = list(RoundEvent.objects.order_by("pk").values())
    with pytest.raises(DatabaseError, match="pgtrigger"), transaction.atomic():
        connection.cursor().execute(sql)
    assert list(RoundEvent.objects.order_by("pk").values()) == before


@pytest.mark.parametrize(
    ("sql", "naming"),
    [
        (
            "UPDATE rounds_roundevent SET status = 'perhaps'",
            "rounds_event_status_is_known",
        ),
        (
            "UPDATE rounds_roundevent SET money_state = 'gone'",
            "rounds_event_money_state_is_known",
        ),
        (
            "UPDATE rounds_roundevent SET money_state = 'settled' WHERE status = 'rejected'",
            "rounds_event_parked_or_rejected_moves_no_money",
        ),
        (
            "UPDATE rounds_roundevent SET overdrawn_minor = 1 WHERE money_state = 'held'",
            "rounds_event_held_is_covered",
        ),
        (
            "UPDATE rounds_round SET state = 'won'",
            "rounds_round_(state_is_known|settled_has_a_time)",
        ),
        (
            "UPDATE rounds_round SET state = 'settled', settled_at = NULL",
            "rounds_round_settled_has_a_time",
        ),
        (
            "UPDATE rounds_round SET state = 'open', settled_at = opened_at",
            "rounds_round_settled_has_a_time",
        ),
        ("UPDATE rounds_round SET stake_minor = -1", "rounds_round_sums_not_negative"),
        (
            "UPDATE rounds_round SET stake_bonus_minor = stake_minor + 1",
            "rounds_round_sums_not_negative",
        ),
        (
            (
                "INSERT INTO rounds_round ("
                "provider_id, round_ref, player_id, game_id, currency, state,"
                " stake_minor, stake_bonus_minor, win_minor, standing_events, opened_at)"
                " SELECT provider_id, round_ref, player_id, game_id, currency, 'open', 0, 0, 0, 0,"
                " now() FROM rounds_round LIMIT 1"
            ),
            "rounds_round_unique_per_player",
        ),
        (
            (
                "INSERT INTO rounds_conflict ("
                "provider_id, event_id, fingerprint, content, seen_count,"
                " first_seen_at, last_seen_at, last_delivery_id) SELECT provider_id, event_id,"
                " fingerprint, content, 1, now(), now(), 1 FROM rounds_conflict"
            ),
            "rounds_conflict_once_per_content",
        ),
        (
            (
                "INSERT INTO rounds_balancedrift ("
                "provider_id, player_id, difference_minor,"
                " last_event_id, changed_at) SELECT provider_id, player_id, 1, 'e', now()"
                " FROM rounds_round CROSS JOIN generate_series(1, 2)"
            ),
            "rounds_drift_once_per_player",
        ),
        ("UPDATE gateway_rejection SET count = 0", "gateway_rejection_counts_something"),
        (
            (
                "INSERT INTO gateway_rejection ("
                "provider_id, code, day, count, last_event_id,"
                " last_detail, first_seen_at, last_seen_at)"
                " SELECT provider_id, code, day, 1, '', '',"
                " now(), now() FROM gateway_rejection"
            ),
            "gateway_rejection_once_per_provider_code_and_day",
        ),
    ],
)
def test_a_row_that_breaks_a_rule_is_refused_by_name(casino: Casino, sql: str, naming: str) -> None:
    with pytest.raises(DatabaseError, match=naming), transaction.atomic():
        connection.cursor().execute(sql)


def copy_of_an_event(**changes: object) -> None:
    """Insert a copy of the first event with other values, past every service."""
    event = RoundEvent.objects.get(event_id="e-1")
    event.pk = None
    for name, value in {"event_id": "copy", **changes}.items():
        setattr(event, name, value)
    event.save(force_insert=True)


@pytest.mark.parametrize(
    ("changes", "naming"),
    [
        ({"event_id": "e-1"}, "rounds_event_unique_per_provider"),
        ({"bet_minor": -1}, "rounds_event_amounts_not_negative"),
        ({"win_minor": -1}, "rounds_event_amounts_not_negative"),
        ({"round_type": "rollback"}, "rounds_event_rollback_names_its_target"),
    ],
)
def test_an_event_that_breaks_a_rule_is_refused_by_name(
    casino: Casino, changes: dict[str, object], naming: str
) -> None:
    with pytest.raises(DatabaseError, match=naming), transaction.atomic():
        copy_of_an_event(**changes)
