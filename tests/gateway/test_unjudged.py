"""What was stored before a process died is applied once, by whoever comes next."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pgtrigger
import pytest
from django.db import IntegrityError, connection
from django.http import HttpRequest

from apps.core.models import OutboxMessage
from apps.gateway.home import unjudged_card
from apps.gateway.services.intake import apply_unjudged, reprocess_delivery, take_in
from apps.providers.contracts import CanonicalEvent
from apps.providers.models import Provider, ProviderKey
from apps.rounds.contracts import DeliveryRow
from apps.rounds.models import Delivery, DeliveryVerdict, SweptThrough, UnjudgedDelivery
from apps.rounds.selectors import (
    is_sweep_behind,
    late_deliveries,
    not_judged_in_time,
    swept_through,
)
from apps.rounds.services import store
from apps.rounds.services.unjudged import list_unjudged
from tests.factories import make_game, make_provider
from tests.gateway.builders import (
    SLOT,
    Casino,
    Event,
    assert_ledger_holds,
    everything,
    give_key,
)


@pytest.fixture
def casino_now(casino: Casino) -> Casino:
    """The casino today: what is swept is found by the database's own clock."""
    casino.now = datetime.now(UTC)
    return casino


def store_only(casino: Casino, *events: Event) -> int:
    """Do what the gateway does before it dies: store the delivery and no more."""
    one = casino.inbound(casino.body(*events))
    row = DeliveryRow(
        provider_id=one.provider.id,
        received_at=one.received_at,
        message_id=one.message_id,
        key_id=one.key_id,
        path=one.path,
        headers=one.headers,
        body=one.request.body,
    )
    with connection.cursor() as cursor:
        [delivery_id] = store.store_deliveries(cursor, [row])
    return delivery_id


def store_unreadable(casino: Casino) -> None:
    """Leave in the store what can be parsed no more."""
    row = DeliveryRow(
        provider_id=casino.provider.pk,
        received_at=casino.now,
        message_id="msg_1",
        key_id="k-1",
        path="/callbacks/aurora/rounds",
        headers={},
        body=b"not JSON",
    )
    with connection.cursor() as cursor:
        store.store_deliveries(cursor, [row])


def sweep(casino: Casino, *, limit: int = 500, minutes: int = 1) -> int:
    return apply_unjudged(now=casino.now + timedelta(minutes=minutes), limit=limit)


def shown(casino: Casino, *, days: int) -> list[int]:
    """Return the deliveries that the home page and the filter show as not judged, days later."""
    now = casino.now + timedelta(days=days)
    filtered = list(not_judged_in_time(Delivery.objects.all(), now).values_list("pk", flat=True))
    assert filtered == [delivery.pk for delivery in late_deliveries(now, limit=100)]
    return filtered


def refuse_amounts_of(minor: int) -> None:
    """Let the database refuse transfers of one amount, as a mistake of ours would."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            f"ALTER TABLE wallet_transfer ADD CONSTRAINT poison CHECK (amount_minor <> {minor})"
        )


def refuse_no_amounts() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE wallet_transfer DROP CONSTRAINT poison")


def test_a_delivery_without_a_verdict_is_applied_once(casino_now: Casino) -> None:
    delivery_id = store_only(casino_now, casino_now.event("e-1"))
    assert sweep(casino_now) == 1
    assert casino_now.pots()["cash"] == 10_150
    assert DeliveryVerdict.objects.get().delivery_id == delivery_id
    before = everything()
    assert sweep(casino_now) == 0
    assert everything() == before
    assert_ledger_holds()


def test_a_new_stake_found_in_the_store_is_not_held(casino_now: Casino) -> None:
    """Nobody was told that it stands, and nobody would roll it back."""
    stake = casino_now.tentative("e-1")
    store_only(casino_now, stake)
    assert sweep(casino_now) == 1
    assert casino_now.pots() == {"cash": 10_000, "bonus": 0, "held": 0, "pending": 0}
    row = casino_now.stored("e-1")
    assert (row.status, row.code) == ("rejected", "ledger_unavailable")
    assert casino_now.send_one(stake)["code"] == "ledger_unavailable"
    assert casino_now.send_one(casino_now.event("e-1", round_id="r-1"))["status"] == "accepted"
    assert casino_now.pots()["cash"] == 10_150
    assert_ledger_holds()


def test_a_win_of_a_running_round_found_in_the_store_is_kept(casino_now: Casino) -> None:
    casino_now.send(casino_now.tentative("e-1"))
    store_only(casino_now, casino_now.tentative("e-2", bet_amount="0.00"))
    assert sweep(casino_now) == 1
    assert casino_now.stored("e-2").status == "tentative"


def test_a_delivery_that_is_being_judged_right_now_is_left_alone(casino_now: Casino) -> None:
    store_only(casino_now, casino_now.event("e-1"))
    assert apply_unjudged(now=casino_now.now) == 0


def test_the_providers_own_retry_and_the_sweep_make_one_effect(casino_now: Casino) -> None:
    event = casino_now.event("e-1")
    store_only(casino_now, event)
    assert casino_now.send_one(event)["status"] == "accepted"
    assert sweep(casino_now) == 1
    assert casino_now.send_one(event)["status"] == "duplicate"
    assert casino_now.pots()["cash"] == 10_150


def test_a_key_retired_in_between_does_not_make_a_stored_event_false(casino_now: Casino) -> None:
    store_only(casino_now, casino_now.event("e-1"))
    ProviderKey.objects.update(state="retired")
    assert sweep(casino_now) == 1
    assert casino_now.stored("e-1").status == "accepted"


def test_a_delivery_the_database_refuses_holds_up_nobody(casino_now: Casino) -> None:
    poison = casino_now.event("poison", win_amount="1234.00")
    store_only(casino_now, poison)
    store_only(casino_now, casino_now.event("e-1"))
    refuse_amounts_of(123_400)
    assert sweep(casino_now) == 1
    assert casino_now.stored("e-1").status == "accepted"
    refuse_no_amounts()
    assert sweep(casino_now, minutes=2) == 1
    assert casino_now.stored("poison").status == "accepted"


def test_a_delivery_that_can_not_be_applied_is_shown_and_tried_until_it_is_judged(
    casino_now: Casino,
) -> None:
    delivery_id = store_only(casino_now, casino_now.event("poison", win_amount="1234.00"))
    refuse_amounts_of(123_400)
    for day in (0, 2, 4, 30, 400):
        assert sweep(casino_now, minutes=day * 1_440 + 1) == 0
        assert shown(casino_now, days=day + 1) == [delivery_id]
    listed = UnjudgedDelivery.objects.get()
    assert (listed.delivery_id, listed.tries) == (delivery_id, 5)
    assert listed.error == "IntegrityError"
    refuse_no_amounts()
    assert sweep(casino_now, minutes=500 * 1_440) == 1
    assert casino_now.pots()["cash"] == 10_000 + 123_200
    assert shown(casino_now, days=501) == []
    assert not UnjudgedDelivery.objects.exists()
    assert_ledger_holds()


def test_a_delivery_that_a_person_applied_is_listed_no_longer(casino_now: Casino) -> None:
    delivery_id = store_only(casino_now, casino_now.event("poison", win_amount="1234.00"))
    refuse_amounts_of(123_400)
    sweep(casino_now)
    refuse_no_amounts()
    reprocess_delivery(delivery_id=delivery_id, now=casino_now.now + timedelta(seconds=90))
    assert shown(casino_now, days=1) == []
    assert sweep(casino_now, minutes=2) == 0
    assert not UnjudgedDelivery.objects.exists()


def test_a_delivery_that_no_sweep_saw_for_a_month_is_found_all_the_same(
    casino_now: Casino,
) -> None:
    delivery_id = store_only(casino_now, casino_now.event("e-1"))
    assert shown(casino_now, days=29) == [delivery_id]
    assert sweep(casino_now, minutes=30 * 1_440) == 1
    assert casino_now.pots()["cash"] == 10_150


def leave_behind(casino: Casino) -> int:
    """Store a delivery, then as many as a page looks through, an hour ago; nothing was swept."""
    delivery_id = store_only(casino, casino.event("e-1"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('rounds_delivery_id_seq', %s)", [delivery_id + 19_998])
    casino.send_one(casino.event("e-2"))
    with pgtrigger.ignore("rounds.Delivery:never_changed"):
        Delivery.objects.update(stored_at=casino.now - timedelta(hours=1))
    return delivery_id


def test_a_page_looks_through_the_newest_and_says_so_while_the_sweep_is_behind(
    casino_now: Casino,
) -> None:
    delivery_id = leave_behind(casino_now)
    assert shown(casino_now, days=0) == [delivery_id]
    assert not is_sweep_behind(casino_now.now)

    casino_now.send_one(casino_now.event("e-3"))
    assert shown(casino_now, days=0) == []
    assert is_sweep_behind(casino_now.now)
    card = unjudged_card(HttpRequest())
    assert (card.value, card.tone) == ("0", "warning")
    assert card.empty_text == (
        "The worker has still to look through older deliveries; any may wait."
    )

    assert sweep(casino_now, minutes=15) == 1
    assert casino_now.stored("e-1").status == "accepted"
    assert not is_sweep_behind(casino_now.now)
    card = unjudged_card(HttpRequest())
    assert (card.tone, card.empty_text) == ("success", "Everything that was stored was applied.")


def test_what_the_sweep_listed_is_shown_whatever_it_has_still_to_look_through(
    casino_now: Casino,
) -> None:
    delivery_id = leave_behind(casino_now)
    casino_now.send_one(casino_now.event("e-3"))
    list_unjudged(delivery_id, casino_now.provider.pk, error="ValueError", now=casino_now.now)
    assert shown(casino_now, days=0) == [delivery_id]
    card = unjudged_card(HttpRequest())
    assert (card.value, card.tone) == ("1", "danger")
    assert "older deliveries" in card.note


def test_people_are_told_once_of_a_delivery_that_failed_three_times(casino_now: Casino) -> None:
    delivery_id = store_only(casino_now, casino_now.event("poison", win_amount="1234.00"))
    refuse_amounts_of(123_400)
    told = OutboxMessage.objects.filter(topic="rounds.delivery_not_judged")
    sweep(casino_now, minutes=1)
    sweep(casino_now, minutes=1)
    sweep(casino_now, minutes=2)
    assert not told.exists()
    sweep(casino_now, minutes=3)
    assert not told.exists()
    sweep(casino_now, minutes=4)
    sweep(casino_now, minutes=60)
    assert told.get().payload == {
        "provider_id": casino_now.provider.pk,
        "delivery_id": delivery_id,
        "error": "IntegrityError",
    }


def test_a_sweep_goes_on_after_what_was_written_over_ten_minutes_ago(casino_now: Casino) -> None:
    store_unreadable(casino_now)
    last = store_only(casino_now, casino_now.event("e-1"))
    assert sweep(casino_now, minutes=1) == 1
    assert swept_through() == 0
    sweep(casino_now, minutes=15)
    assert swept_through() == last
    with pytest.raises(IntegrityError, match="rounds_swept_through_is_one_row"):
        SweptThrough.objects.create(id=2, delivery_id=1)


def test_what_can_be_read_no_more_holds_up_nobody(casino_now: Casino) -> None:
    store_unreadable(casino_now)
    store_only(casino_now, casino_now.event("e-1"))
    assert sweep(casino_now) == 1
    assert casino_now.stored("e-1").status == "accepted"


def test_a_provider_whose_keys_can_be_read_no_more_holds_up_nobody(casino_now: Casino) -> None:
    store_only(casino_now, casino_now.event("e-0"))
    Provider.objects.update(protocol="hub88")
    other = make_provider("borealis")
    give_key(other)
    make_game(other, SLOT)
    there = Casino(other, casino_now.player, now=casino_now.now, book={"p-1001": 10_000})
    store_only(there, there.event("e-1"))
    assert sweep(casino_now) == 1
    assert casino_now.pots()["cash"] == 10_150


def test_what_always_fails_does_not_starve_what_is_behind_it(casino_now: Casino) -> None:
    for _ in range(3):
        store_unreadable(casino_now)
    store_only(casino_now, casino_now.event("e-1"))
    assert sweep(casino_now, limit=2) == 1
    assert sweep(casino_now, limit=2) == 0


def test_one_message_that_can_not_be_judged_is_refused_alone(casino: Casino) -> None:
    inbound = [
        replace(casino.inbound(casino.body(casino.event(f"e-{n}"))), message_id=f"msg_{n}")
        for n in range(5)
    ]
    [message] = inbound[2].parsed
    assert isinstance(message, CanonicalEvent)
    broken = replace(message, bet_minor="no number")  # type: ignore[arg-type]  # on purpose
    inbound[2] = replace(inbound[2], parsed=(broken,))
    judged = take_in(inbound, casino.games, now=casino.now)
    assert [str(one.outcomes[0].status) for one in judged] == [
        "accepted",
        "accepted",
        "parked",
        "accepted",
        "accepted",
    ]
    assert judged[2].outcomes[0].code == "ledger_unavailable"
    assert casino.pots()["cash"] == 10_000 + 4 * 150
    assert_ledger_holds()
