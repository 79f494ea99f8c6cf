"""The delivery log: found by verdict, id and time, renewed in place, re-processed with a reason."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from apps.core.errors import ReasonRequiredError
from apps.core.models import AuditEntry
from apps.gateway.errors import UnknownDeliveryError
from apps.gateway.services.intake import apply_unjudged
from apps.gateway.services.reprocessing import reprocess_delivery
from apps.rounds.models import Conflict, Delivery, DeliveryVerdict, EventAttempt, RoundEvent
from apps.rounds.traffic import delivery_ids_of, newest_of
from apps.staff.enums import Role
from apps.staff.services import sync_roles
from tests.big_rows import fill
from tests.factories import make_user
from tests.gateway.builders import Casino, assert_ledger_holds, everything, open_casino
from tests.gateway.test_unjudged import store_only, store_unreadable
from tests.plans import plan_of

pytestmark = pytest.mark.django_db

LOG = "admin:rounds_delivery_changelist"


@pytest.fixture
def casino(now: datetime) -> Casino:
    """A provider that has sent an accepted event, its repeat, a conflict and a refused event."""
    sync_roles(now=now)
    casino = open_casino()
    event = casino.event("e-1", round_id="r-1")
    casino.send_one(event)
    casino.send_one(event)
    casino.send_one(casino.event("e-1", round_id="r-1", win_amount="9.00"))
    casino.send_one(casino.event("e-2", currency="USD"))
    return casino


@pytest.fixture
def engineer(client: Client, casino: Casino) -> Client:
    client.force_login(make_user(roles=(Role.INTEGRATION_ENGINEER,)))
    return client


def shown(client: Client, query: str = "") -> list[int]:
    answer = client.get(reverse(LOG) + query)
    assert answer.status_code == 200, answer
    return [delivery.pk for delivery in answer.context["cl"].result_list]


def ids() -> list[int]:
    return list(Delivery.objects.order_by("pk").values_list("pk", flat=True))


def test_a_delivery_that_can_not_be_applied_says_since_when_and_how_often(
    engineer: Client, casino: Casino
) -> None:
    casino.now = datetime.now(UTC)
    store_unreadable(casino)
    delivery = Delivery.objects.latest("pk")
    page = reverse("admin:rounds_delivery_change", args=[delivery.pk])
    text = engineer.get(page).content.decode()
    assert "The sweeper applies it within a minute" in text
    first = casino.now + timedelta(minutes=1)
    apply_unjudged(now=first)
    apply_unjudged(now=casino.now + timedelta(minutes=2))
    text = engineer.get(page).content.decode()
    assert f"applying it failed 2 times, first {first:%Y-%m-%d %H:%M:%S} UTC" in text
    assert "(EnvelopeError)" in text
    assert "within a minute" not in text


def test_a_conflict_names_what_contradicts_and_no_session_credential(
    engineer: Client, casino: Casino
) -> None:
    casino.send_one(casino.event("e-5", session_token="s" * 40))
    casino.send_one(casino.event("e-5", session_token="t" * 40, win_amount="9.00"))
    conflict = Conflict.objects.get(event_id="e-5")
    page = engineer.get(reverse("admin:rounds_conflict_change", args=[conflict.pk]))
    [differs] = [panel for panel in page.context["panels"] if panel.title == "What differs"]
    named = [row[0] for row in differs.rows]
    assert "win_amount" in named
    assert "session_token" not in named
    event = RoundEvent.objects.get(event_id="e-5")
    text = page.content.decode()
    assert "Ask the provider which of the two is right." in text
    assert reverse("admin:rounds_roundevent_change", args=[event.pk]) in text
    assert reverse("admin:rounds_round_change", args=[event.round_id]) in text


def test_each_verdict_finds_its_deliveries(engineer: Client, casino: Casino) -> None:
    waiting = store_only(casino, casino.event("e-9"))
    first, repeat, conflict, refused, _ = ids()
    assert shown(engineer, "?verdict=accepted") == [first]
    assert shown(engineer, "?verdict=repeat") == [repeat]
    assert shown(engineer, "?verdict=conflict") == [conflict]
    assert shown(engineer, "?verdict=refused") == [refused]
    assert shown(engineer, "?verdict=parked") == []
    assert shown(engineer, "?verdict=waiting") == [waiting]


def test_filters_narrow_together(engineer: Client, casino: Casino) -> None:
    provider = casino.provider.pk
    assert shown(engineer, f"?provider_id={provider}&http=200&key_id=k-1&verdict=repeat") == [
        ids()[1]
    ]
    assert shown(engineer, "?http=503") == []
    assert shown(engineer, "?answer=rejected:wrong_currency") == [ids()[3]]
    assert shown(engineer, "?window=15m") == []
    Delivery.objects.bulk_create([_copy(Delivery.objects.get(pk=ids()[0]))])
    assert shown(engineer, "?window=15m") == [ids()[-1]]


def test_an_answer_is_said_in_words_and_keeps_its_code(engineer: Client, casino: Casino) -> None:
    refused = ids()[3]
    said = '<span title="wrong_currency">Currency is not the player&#x27;s</span>'
    page = engineer.get(reverse("admin:rounds_delivery_change", args=[refused])).content.decode()
    assert said in page
    listed = engineer.get(reverse(LOG) + "?answer=rejected:wrong_currency").content.decode()
    assert "refused: Currency is not the player&#x27;s" in listed
    assert "rejected: " not in listed


def _copy(delivery: Delivery) -> Delivery:
    return Delivery(
        provider=delivery.provider,
        received_at=datetime.now(UTC) - timedelta(minutes=5),
        message_id="msg_now",
        key_id="k-1",
        path=delivery.path,
        headers={},
        body=b"",
    )


def test_a_message_an_event_or_a_number_finds_its_deliveries(
    engineer: Client, casino: Casino
) -> None:
    first, repeat, conflict, refused = ids()
    assert shown(engineer, "?q=e-1") == [conflict, repeat, first]
    assert shown(engineer, "?q=e-2") == [refused]
    assert shown(engineer, f"?q={first}") == [first]
    assert len(shown(engineer, "?q=msg_1")) == 4
    assert shown(engineer, "?q=nothing") == []


@pytest.mark.parametrize(
    "query",
    [
        "?verdict=%00",
        "?verdict='; DROP TABLE rounds_delivery; --",
        "?window=1000y",
        "?http=abc",
        "?http=99999999999999999999",
        "?key_id=%00",
        "?code=<script>",
        "?code=a%00b",
        "?q=%00",
        "?q=99999999999999999999999",
        "?q=²",
        "?p=99999999",
        "?p=x",
        "?o=abc",
        "?provider_id=x",
        "?unknown__field=1",
        "?verdict=accepted&verdict=repeat",
    ],
)
def test_hostile_filters_are_ignored_or_refused(engineer: Client, query: str) -> None:
    answer = engineer.get(reverse(LOG) + query)
    assert answer.status_code in {200, 302, 400}
    assert "<script>alert" not in answer.content.decode()


def test_an_empty_log_opens(client: Client, now: datetime) -> None:
    sync_roles(now=now)
    client.force_login(make_user(roles=(Role.INTEGRATION_ENGINEER,)))
    assert shown(client) == []


def test_the_script_gets_the_rows_only_and_with_the_filters(engineer: Client) -> None:
    fragment = {"X-Pitboss-Fragment": "1"}
    answer = engineer.get(reverse(LOG) + "?verdict=repeat", headers=fragment)
    text = answer.content.decode()
    assert "<html" not in text
    assert text.count("data-row") == 1
    assert len(answer["X-Pitboss-At"]) == len("10:15:30")
    page = engineer.get(reverse(LOG)).content.decode()
    assert "pitboss/live.js" in page
    assert 'data-pb-seconds="5"' in page
    assert "X-Pitboss-Fragment" in answer["Vary"]


def test_nobody_without_the_permission_gets_the_rows(client: Client, casino: Casino) -> None:
    client.force_login(make_user(roles=(Role.PROMO_MANAGER,)))
    assert client.get(reverse(LOG), headers={"X-Pitboss-Fragment": "1"}).status_code == 403
    client.logout()
    assert client.get(reverse(LOG), headers={"X-Pitboss-Fragment": "1"}).status_code == 302


def test_a_delivery_shows_its_events_answers_latency_and_key(
    engineer: Client, casino: Casino
) -> None:
    text = engineer.get(reverse("admin:rounds_delivery_change", args=[ids()[2]])).content.decode()
    for expected in ("conflict", "HTTP 200", "k-1", " ms", "webhook-id", "e-1", "r-1"):
        assert expected in text, expected


def test_a_waiting_delivery_says_what_to_do(engineer: Client, casino: Casino) -> None:
    waiting = store_only(casino, casino.event("e-9"))
    text = engineer.get(reverse("admin:rounds_delivery_change", args=[waiting])).content.decode()
    assert "not judged yet" in text
    assert "Re-process" in text


def test_re_processing_is_not_offered_where_the_bytes_can_t_be_read(
    engineer: Client, casino: Casino
) -> None:
    store_unreadable(casino)
    [delivery_id] = Delivery.objects.filter(body=b"not JSON").values_list("pk", flat=True)
    page = engineer.get(reverse("admin:rounds_delivery_change", args=[delivery_id]))
    assert [one["label"] for one in page.context["reasoned_actions"]] == []
    text = " ".join(page.content.decode().split())
    assert (
        f"Re-process is not possible here. Delivery {delivery_id} can&#x27;t be read (Body is not "
        "JSON): the provider must send it again."
    ) in text
    before = everything()
    url = reverse("admin:rounds_delivery_do", args=[delivery_id, "reprocess"])
    answer = engineer.post(url, {"reason": "Somebody kept the address of the button."})
    assert (answer.status_code, everything()) == (200, before)
    readable = engineer.get(reverse("admin:rounds_delivery_change", args=[ids()[0]]))
    assert [one["label"] for one in readable.context["reasoned_actions"]] == ["Re-process"]
    assert "is not possible here" not in readable.content.decode()


def test_one_thing_has_one_name_wherever_an_answer_is_shown(
    engineer: Client, casino: Casino
) -> None:
    event = RoundEvent.objects.filter(status="rejected").first()
    pages = [
        reverse("admin:rounds_delivery_change", args=[ids()[3]]),
        reverse(LOG),
        reverse("admin:rounds_roundevent_changelist"),
        reverse("admin:rounds_eventattempt_changelist"),
        reverse("admin:reports_providerhealth_changelist"),
        *([reverse("admin:rounds_roundevent_change", args=[event.pk])] if event else []),
    ]
    for page in pages:
        text = engineer.get(page).content.decode()
        assert re.search(r">\s*[Rr]efused", text), page
        assert not re.search(r">[^<]*\b[Rr]ejected\b", text), page


def test_re_processing_applies_what_waited_once(engineer: Client, casino: Casino) -> None:
    waiting = store_only(casino, casino.event("e-9"))
    before = casino.pots()["cash"]
    url = reverse("admin:rounds_delivery_do", args=[waiting, "reprocess"])
    engineer.post(url, {"reason": "The gateway died before it judged this."})
    assert casino.pots()["cash"] == before + 150
    assert DeliveryVerdict.objects.filter(delivery_id=waiting).count() == 1
    moved = everything()
    engineer.post(url, {"reason": "Again, to be sure of it."})
    assert everything() == moved
    entries = AuditEntry.objects.filter(action="gateway.delivery.reprocessed").order_by("sequence")
    assert [entry.details["events"] for entry in entries] == [{"accepted": 1}, {"duplicate": 1}]
    assert entries[0].subject == f"rounds.delivery:{waiting}"
    assert_ledger_holds()


def test_re_processing_needs_the_permission_and_a_reason(client: Client, casino: Casino) -> None:
    waiting = store_only(casino, casino.event("e-9"))
    before = everything()
    url = reverse("admin:rounds_delivery_do", args=[waiting, "reprocess"])
    for role in (Role.CS_AGENT, Role.AUDITOR, Role.FINANCE_ANALYST):
        client.force_login(make_user(roles=(role,)))
        assert client.post(url, {"reason": "Please do it again."}).status_code == 403
        page = client.get(reverse("admin:rounds_delivery_change", args=[waiting]))
        assert "Re-process</a>" not in page.content.decode()
    client.force_login(make_user(roles=(Role.INTEGRATION_ENGINEER,)))
    assert client.post(url, {"reason": " "}).status_code == 200
    assert everything() == before
    assert not DeliveryVerdict.objects.filter(delivery_id=waiting).exists()


def test_the_service_refuses_no_reason_and_no_delivery(casino: Casino) -> None:
    user = make_user()
    before = everything()
    with pytest.raises(ReasonRequiredError):
        reprocess_delivery(delivery_id=ids()[0], acting_user=user, reason=" ", now=casino.now)
    with pytest.raises(UnknownDeliveryError):
        reprocess_delivery(delivery_id=10**12, acting_user=user, reason="Why not", now=casino.now)
    assert everything() == before
    assert not AuditEntry.objects.filter(action="gateway.delivery.reprocessed").exists()


def test_the_newest_are_found_by_the_primary_key_and_a_window_by_its_index() -> None:
    fill([Delivery], rows=5_000)
    newest = newest_of(Delivery.objects.all()).order_by("-pk").values("pk")[:50]
    plan = plan_of(*newest.query.sql_with_params())
    assert "rounds_delivery_default_pkey" in plan, plan
    window = Delivery.objects.filter(received_at__gte=datetime.now(UTC)).values("pk")
    plan = plan_of(*window.query.sql_with_params())
    assert "rounds_delivery_default_received_at_idx" in plan, plan


def test_an_event_is_looked_up_by_its_provider_and_id(casino: Casino) -> None:
    grow(casino)
    with connection.execute_wrapper(_explained := _Explained()):
        assert delivery_ids_of("e-2", [casino.provider.pk]) == {ids()[3]}
    plans = "\n".join(_explained.plans)
    assert "rounds_event_unique_per_provider" in plans
    assert "rounds_attempt_event" in plans


def grow(casino: Casino, events: int = 2_000) -> None:
    """Add events and attempts, so that the planner has something to choose."""
    event = casino.stored("e-1")
    fields = {f.attname: getattr(event, f.attname) for f in event._meta.concrete_fields}
    fields.pop("id")
    RoundEvent.objects.bulk_create(
        RoundEvent(**{**fields, "event_id": f"g-{number}"}) for number in range(events)
    )
    EventAttempt.objects.bulk_create(
        EventAttempt(
            provider=casino.provider,
            event_id=f"g-{number}",
            delivery_id=number,
            received_at=casino.now,
            status="duplicate",
        )
        for number in range(events)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE rounds_roundevent, rounds_eventattempt")


class _Explained:
    """Keeps the plan of every statement that runs through it."""

    def __init__(self) -> None:
        self.plans: list[str] = []

    def __call__(self, execute, sql, params, many, context):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN204 - Django's own signature
        with connection.connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("EXPLAIN " + sql, params)
            self.plans += [row[0] for row in cursor.fetchall()]
        return execute(sql, params, many, context)
