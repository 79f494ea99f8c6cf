from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from kombu.exceptions import OperationalError

from apps.core import broker, services
from apps.core.contracts import Event, OutboxClaim
from apps.core.errors import (
    MessageNotParkedError,
    NotPlainJsonError,
    ReasonRequiredError,
    UnknownOutboxMessageError,
)
from apps.core.models import AuditEntry, OutboxMessage
from apps.core.services import outbox
from tests.big_rows import fill
from tests.factories import make_user
from tests.plans import plan_of
from tests.races import race

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@dataclass(frozen=True)
class ThingHappened(Event):
    topic: ClassVar[str] = "test.thing_happened"
    thing_id: int
    note: Any = ""


@pytest.fixture(autouse=True)
def _two_listeners(settings: Any) -> None:
    settings.PITBOSS_SUBSCRIPTIONS = {"test.thing_happened": ["one.listen", "two.listen"]}


class Sent(list[OutboxClaim]):
    """A broker that takes everything; ``down`` makes it refuse."""

    down = False

    def __call__(self, claim: OutboxClaim) -> None:
        if self.down:
            raise services.BrokerRefusedError("down")
        self.append(claim)


def make_message(**fields: Any) -> OutboxMessage:
    return OutboxMessage.objects.create(
        **{
            "topic": "t",
            "task": "one.listen",
            "payload": {"thing_id": 1},
            "created_at": NOW,
            "next_attempt_at": NOW,
            **fields,
        }
    )


@pytest.mark.django_db
def test_an_event_becomes_one_row_per_subscriber() -> None:
    services.publish(ThingHappened(7), now=NOW)
    rows = OutboxMessage.objects.order_by("pk").values_list("topic", "task", "payload")
    assert list(rows) == [
        ("test.thing_happened", "one.listen", {"thing_id": 7, "note": ""}),
        ("test.thing_happened", "two.listen", {"thing_id": 7, "note": ""}),
    ]


@pytest.mark.django_db
def test_an_event_nobody_listens_to_writes_nothing(settings: Any) -> None:
    settings.PITBOSS_SUBSCRIPTIONS = {}
    services.publish(ThingHappened(7), now=NOW)
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db
def test_rows_vanish_with_the_transaction_that_wrote_them() -> None:
    def fail() -> None:
        with transaction.atomic():
            services.publish(ThingHappened(7), now=NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("value", [1.5, "a\x00", NOW, "\ud800"])
def test_an_event_that_is_not_plain_json_is_refused_whole(value: Any) -> None:
    with connection.cursor() as cursor, pytest.raises(NotPlainJsonError):
        services.publish_with_cursor(cursor, [ThingHappened(1), ThingHappened(2, value)], NOW)
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db
def test_many_events_are_one_statement(django_assert_num_queries: Any) -> None:
    events = [ThingHappened(number) for number in range(50)]
    with django_assert_num_queries(1), connection.cursor() as cursor:
        services.publish_with_cursor(cursor, events, NOW)
    assert OutboxMessage.objects.count() == 100


@pytest.mark.django_db(transaction=True)
def test_a_plain_psycopg_cursor_publishes_in_its_own_transaction() -> None:
    params = connection.get_connection_params()
    wanted = {
        key: params[key] for key in ("dbname", "user", "password", "host", "port") if key in params
    }
    with psycopg.connect(**wanted) as raw, raw.cursor() as cursor:
        services.publish_with_cursor(cursor, [ThingHappened(1)], NOW)
        assert not OutboxMessage.objects.exists()
        raw.rollback()
        services.publish_with_cursor(cursor, [ThingHappened(2)], NOW)
    assert OutboxMessage.objects.filter(payload__thing_id=2).count() == 2
    assert OutboxMessage.objects.count() == 2


@pytest.mark.django_db
def test_due_messages_are_sent_once_and_wait_before_the_next_try() -> None:
    services.publish(ThingHappened(7), now=NOW)
    sent = Sent()
    assert services.send_due(send=sent, now=NOW).sent == 2
    assert services.send_due(send=sent, now=NOW + timedelta(seconds=59)).sent == 0
    assert [claim.task for claim in sent] == ["one.listen", "two.listen"]
    assert sent[0].payload == {"thing_id": 7, "note": ""}


@pytest.mark.django_db
def test_what_the_broker_lost_is_sent_again_with_doubling_pauses() -> None:
    make_message()
    sent, at = Sent(), NOW
    for pause in (60, 120, 240):
        services.send_due(send=sent, now=at)
        at += timedelta(seconds=pause - 1)
        assert services.send_due(send=sent, now=at).sent == 0
        at += timedelta(seconds=1)
    assert len(sent) == 3


@pytest.mark.django_db
def test_a_broker_that_is_down_costs_no_attempt() -> None:
    for _ in range(3):
        make_message()
    sent = Sent()
    sent.down = True
    for minute in range(20):
        report = services.send_due(send=sent, now=NOW + timedelta(minutes=minute))
        assert (report.sent, report.failed) == (0, 3)
    assert set(OutboxMessage.objects.values_list("attempts", "sent_at", "last_error")) == {
        (0, None, "down")
    }
    sent.down = False
    assert services.send_due(send=sent, now=NOW + timedelta(hours=1)).sent == 3


@pytest.mark.django_db
def test_a_sender_that_dies_after_the_claim_only_delays() -> None:
    make_message()

    def die(claim: OutboxClaim) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        services.send_due(send=die, now=NOW)
    sent = Sent()
    assert services.send_due(send=sent, now=NOW + timedelta(seconds=60)).sent == 1


@pytest.mark.django_db
def test_the_sweeper_parks_what_was_sent_eight_times_and_never_done() -> None:
    message = make_message(attempts=outbox.MAX_ATTEMPTS)
    report = services.sweep(send=Sent(), now=NOW)
    message.refresh_from_db()
    assert (report.sent, report.parked) == (0, 1)
    assert message.parked_at == NOW
    assert message.last_error == "Sent 8 times and never done."


@pytest.mark.django_db
def test_the_sweeper_drops_only_what_was_done_long_ago() -> None:
    make_message(done_at=NOW - timedelta(days=8))
    kept = [
        make_message(done_at=NOW - timedelta(days=6)),
        make_message(parked_at=NOW - timedelta(days=60), attempts=8),
    ]
    services.sweep(send=Sent(), now=NOW)
    assert set(OutboxMessage.objects.values_list("pk", flat=True)) == {row.pk for row in kept}


@pytest.mark.django_db
def test_an_effect_runs_once_however_often_its_message_comes() -> None:
    message = make_message()
    effects: list[int] = []
    assert services.run_once(message.pk, lambda: effects.append(1), now=NOW) is True
    assert services.run_once(message.pk, lambda: effects.append(2), now=NOW) is False
    message.refresh_from_db()
    assert effects == [1]
    assert (message.done_at, message.starts) == (NOW, 1)


@pytest.mark.django_db
def test_a_failed_effect_is_undone_noted_and_can_run_again() -> None:
    message = make_message()

    def fail() -> None:
        make_message(topic="effect")
        raise RuntimeError("no such round")

    with pytest.raises(RuntimeError):
        services.run_once(message.pk, fail)
    message.refresh_from_db()
    assert message.done_at is None
    assert message.last_error == "RuntimeError: no such round"
    assert not OutboxMessage.objects.filter(topic="effect").exists()
    assert services.run_once(message.pk, lambda: None) is True
    message.refresh_from_db()
    assert message.last_error == ""


@pytest.mark.django_db
def test_a_message_nobody_wrote_has_no_effect() -> None:
    effects: list[int] = []
    with pytest.raises(UnknownOutboxMessageError):
        services.run_once(404, lambda: effects.append(1))
    assert effects == []


@pytest.mark.django_db
def test_poison_is_parked_after_eight_starts_and_never_started_again() -> None:
    message = make_message()
    starts: list[int] = []

    def poison() -> None:
        starts.append(1)
        raise RuntimeError("boom")

    for _ in range(outbox.MAX_ATTEMPTS):
        with pytest.raises(RuntimeError):
            services.run_once(message.pk, poison)
    assert services.run_once(message.pk, poison) is False
    assert services.run_once(message.pk, poison) is False
    message.refresh_from_db()
    assert len(starts) == outbox.MAX_ATTEMPTS
    assert message.parked_at is not None
    assert services.send_due(send=Sent(), now=NOW + timedelta(days=1)).sent == 0


@pytest.mark.django_db
def test_a_parked_message_starts_afresh_when_somebody_says_why() -> None:
    message = make_message(attempts=8, starts=9, parked_at=NOW, sent_at=NOW)
    user = make_user()
    services.requeue(message.pk, acting_user=user, reason=" The bug is fixed. ", now=NOW)
    message.refresh_from_db()
    assert (message.state, message.attempts, message.starts) == ("waiting", 0, 0)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_id, entry.reason) == (
        "core.outbox.requeued",
        user.pk,
        "The bug is fixed.",
    )
    assert services.run_once(message.pk, lambda: None) is True


@pytest.mark.django_db
def test_requeue_refuses_no_reason_what_is_not_parked_and_what_is_not_there() -> None:
    message, user = make_message(), make_user()
    with pytest.raises(ReasonRequiredError):
        services.requeue(message.pk, acting_user=user, reason="  ", now=NOW)
    with pytest.raises(MessageNotParkedError):
        services.requeue(message.pk, acting_user=user, reason="why", now=NOW)
    with pytest.raises(UnknownOutboxMessageError):
        services.requeue(404, acting_user=user, reason="why", now=NOW)
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db
def test_the_database_refuses_a_message_both_done_and_parked() -> None:
    with pytest.raises(DatabaseError, match="core_outboxmessage_done_is_not_parked"):
        make_message(done_at=NOW, parked_at=NOW)


@pytest.mark.django_db
def test_the_database_refuses_a_message_without_a_task() -> None:
    with pytest.raises(DatabaseError, match="core_outboxmessage_names_its_task"):
        make_message(task="")


@pytest.mark.django_db(transaction=True)
def test_five_workers_with_the_same_message_make_one_effect() -> None:
    message = make_message()

    def work() -> bool:
        return services.run_once(message.pk, lambda: make_message(topic="effect"))

    outcomes = race([work] * 5)
    assert sorted(outcomes, key=str) == [False, False, False, False, True]
    assert OutboxMessage.objects.filter(topic="effect").count() == 1


@pytest.mark.django_db(transaction=True)
def test_control_without_the_row_lock_the_same_race_makes_several() -> None:
    message = make_message()

    def work() -> None:
        seen = OutboxMessage.objects.get(pk=message.pk)
        if seen.done_at is None:
            make_message(topic="effect")
            connection.cursor().execute("SELECT pg_sleep(0.2)")
            OutboxMessage.objects.filter(pk=message.pk).update(done_at=NOW)

    race([work] * 5)
    assert OutboxMessage.objects.filter(topic="effect").count() > 1


@pytest.mark.django_db(transaction=True)
def test_two_relays_share_a_backlog_and_send_nothing_twice() -> None:
    OutboxMessage.objects.bulk_create(
        OutboxMessage(topic="t", task="x", payload={}, created_at=NOW, next_attempt_at=NOW)
        for _ in range(500)
    )
    sent = [Sent() for _ in range(4)]

    def drain(mine: Sent) -> None:
        while services.send_due(send=mine, limit=20, now=NOW).sent:
            pass

    assert race([partial(drain, mine) for mine in sent]) == [None] * 4
    ids = [claim.id for mine in sent for claim in mine]
    assert len(ids) == len(set(ids)) == 500


@pytest.mark.django_db(transaction=True)
def test_a_lower_id_that_commits_late_is_still_sent() -> None:
    with transaction.atomic():
        services.publish(ThingHappened(1), now=NOW)

        def overtake() -> int:
            services.publish(ThingHappened(2), now=NOW)
            return services.send_due(send=Sent(), now=NOW).sent

        assert race([overtake]) == [2]
    late = Sent()
    services.send_due(send=late, now=NOW)
    assert [claim.payload["thing_id"] for claim in late] == [1, 1]


@pytest.mark.django_db
def test_finding_due_messages_uses_their_index() -> None:
    # One in ten waits; the others were sent.
    done = "CASE WHEN mod(i, 10) = 0 THEN NULL ELSE now() END"
    fill([OutboxMessage], rows=5_000, values={"done_at": done, "parked_at": "NULL"})
    plan = plan_of(
        "SELECT id FROM core_outboxmessage WHERE done_at IS NULL AND parked_at IS NULL "
        "AND next_attempt_at <= now() ORDER BY next_attempt_at, id LIMIT 200"
    )
    assert "core_outbox_due" in plan, plan
    assert "Sort" not in plan, plan


def test_celery_gets_ids_and_the_payload_and_no_retry_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(
        "celery.current_app.send_task", lambda name, **options: calls.append((name, options))
    )
    broker.send_to_celery(OutboxClaim(id=5, task="one.listen", payload={"thing_id": 7}))
    assert calls == [
        (
            "one.listen",
            {"kwargs": {"thing_id": 7, "outbox_id": 5}, "retry": False, "ignore_result": True},
        )
    ]


def test_an_unreachable_broker_is_a_refusal_not_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OperationalError("Connection refused")

    monkeypatch.setattr("celery.current_app.send_task", refuse)
    with pytest.raises(services.BrokerRefusedError, match="Connection refused"):
        broker.send_to_celery(OutboxClaim(id=5, task="one.listen", payload={}))
