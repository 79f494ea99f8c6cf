"""Provider health: figures that are right, bounded, and lead to the rows behind them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from apps.providers.models import Provider, ProviderKey
from apps.reports.admin import health
from apps.reports.health import health_of_providers
from apps.rounds import traffic
from apps.rounds.models import BalanceDrift, Delivery, DeliveryVerdict, Round
from apps.rounds.traffic import stuck_rounds, traffic_of
from apps.staff.enums import Role
from apps.staff.services import sync_roles
from tests.big_rows import fill
from tests.factories import make_provider, make_user
from tests.gateway.builders import NOW, Casino, give_key, open_casino
from tests.gateway.test_unjudged import store_only
from tests.plans import plan_of

pytestmark = pytest.mark.django_db

PAGE = "admin:reports_providerhealth_changelist"
HOUR = timedelta(hours=1)


@pytest.fixture
def casino(now: datetime) -> Casino:
    sync_roles(now=now)
    return open_casino()


def deliver(casino: Casino, latency_ms: int, *results: dict[str, str], key_id: str = "k-1") -> None:
    delivery = Delivery.objects.create(
        provider=casino.provider,
        received_at=NOW - timedelta(minutes=1),
        message_id="msg_x",
        key_id=key_id,
        path="/callbacks/aurora/rounds",
        headers={},
        body=b"",
    )
    DeliveryVerdict.objects.create(
        delivery_id=delivery.pk,
        http_status=200,
        results=list(results),
        judged_at=delivery.received_at + timedelta(milliseconds=latency_ms),
    )


def test_the_figures_are_those_of_the_window(casino: Casino) -> None:
    for latency_ms in range(1, 101):
        deliver(casino, latency_ms, {"event_id": "e", "status": "accepted"})
    deliver(
        casino,
        50,
        {"event_id": "a", "status": "duplicate"},
        {"event_id": "b", "status": "rejected", "code": "max_bet"},
        {"event_id": "c", "status": "rejected", "code": "max_bet"},
        {"event_id": "d", "status": "conflict"},
    )
    store_only(casino, casino.event("e-9"))
    [found] = health_of_providers(HOUR, NOW)
    assert found.traffic is not None
    assert (found.traffic.deliveries, found.traffic.waiting) == (102, 1)
    assert (found.traffic.p50_ms, found.traffic.p95_ms, found.traffic.p99_ms) == (
        Decimal(50),
        Decimal(95),
        Decimal(99),
    )
    assert found.traffic.deliveries_with("duplicate") == 1
    assert ("rejected", "max_bet", 1) in found.traffic.answers
    assert found.rate_per_second == Decimal("0.028333")
    assert found.traffic.is_cut is False
    [later] = health_of_providers(HOUR, NOW + timedelta(hours=2))
    assert later.traffic is None


@pytest.mark.parametrize(
    ("deliveries", "said"), [(4, "0.2 /h"), (200, "0.1 /min"), (86_400 * 2, "2.0 /s")]
)
def test_a_rate_is_said_in_the_unit_in_which_it_is_more_than_nothing(
    deliveries: int, said: str
) -> None:
    a_day = (Decimal(deliveries) / 86_400).quantize(Decimal("0.000001"))
    assert health._rate(a_day) == said


def test_many_deliveries_are_counted_up_to_a_bound_that_is_told(
    casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traffic, "MOST_DELIVERIES", 3)
    for _ in range(5):
        deliver(casino, 1, {"event_id": "e", "status": "accepted"})
    [found] = health_of_providers(HOUR, NOW)
    assert found.traffic is not None
    assert (found.traffic.deliveries, found.traffic.is_cut) == (3, True)
    assert found.rate_per_second == Decimal("0.0500")


def test_an_old_key_that_still_signs_is_named(casino: Casino) -> None:
    ProviderKey.objects.update(not_after=NOW + HOUR)
    give_key(casino.provider, kid="k-2")
    ProviderKey.objects.filter(kid="k-2").update(not_before=NOW - HOUR)
    deliver(casino, 1, key_id="k-1")
    deliver(casino, 1, key_id="k-2")
    [found] = health_of_providers(HOUR, NOW)
    assert [(old.use.kid, old.use.deliveries, old.state) for old in found.old_keys] == [
        ("k-1", 1, "active")
    ]


def test_a_key_that_ends_by_itself_makes_no_other_old(casino: Casino) -> None:
    """The acceptance kit signs with one of its own for half an hour."""
    give_key(casino.provider, kid="acceptance-1")
    started_last = ProviderKey.objects.filter(kid="acceptance-1")
    started_last.update(not_before=NOW - HOUR, not_after=NOW - HOUR / 2)
    deliver(casino, 1, key_id="k-1")
    [found] = health_of_providers(HOUR, NOW)
    assert found.old_keys == ()


def test_stuck_rounds_and_drift_are_counted_per_provider(casino: Casino) -> None:
    casino.send_one(casino.tentative("e-1"))
    assert stuck_rounds(NOW + timedelta(hours=23)) == {}
    [(count, since)] = stuck_rounds(NOW + timedelta(hours=25)).values()
    assert (count, since) == (1, Round.objects.get().opened_at)
    BalanceDrift.objects.all().delete()
    BalanceDrift.objects.create(
        provider=casino.provider,
        player=casino.player,
        difference_minor=5,
        last_event_id="e-1",
        changed_at=NOW,
    )
    [found] = health_of_providers(HOUR, NOW)
    assert found.drifting == 1


def test_the_page_shows_every_provider_and_says_which_is_silent(
    client: Client, casino: Casino
) -> None:
    make_provider("borealis")
    client.force_login(make_user(roles=(Role.INTEGRATION_ENGINEER,)))
    text = client.get(reverse(PAGE)).content.decode()
    assert "aurora" in text
    assert "borealis" in text
    assert text.count("silent") == 2
    assert "switched off" not in text


@pytest.mark.parametrize(
    "window", ["15m", "1h", "24h", "x", "%00", "", "<script>", "24h&window=1h"]
)
def test_any_window_opens(client: Client, casino: Casino, window: str) -> None:
    client.force_login(make_user(roles=(Role.AUDITOR,)))
    answer = client.get(reverse(PAGE) + f"?window={window}")
    assert answer.status_code == 200
    assert "<script>" not in answer.content.decode().replace("<script>alert", "")


def test_a_provider_that_still_sends_while_it_is_off_is_shown_as_off(
    client: Client, casino: Casino
) -> None:
    casino.now = datetime.now(UTC)
    store_only(casino, casino.event("e-1"))
    Provider.objects.update(is_active=False)
    client.force_login(make_user(roles=(Role.INTEGRATION_ENGINEER,)))
    text = client.get(reverse(PAGE)).content.decode()
    assert "aurora" in text
    assert "switched off" in text


def test_without_a_provider_the_page_says_what_to_do(client: Client, now: datetime) -> None:
    sync_roles(now=now)
    client.force_login(make_user(roles=(Role.INTEGRATION_ENGINEER,)))
    assert "No provider is active" in client.get(reverse(PAGE)).content.decode()


def test_only_those_who_watch_providers_see_it(client: Client, casino: Casino) -> None:
    for role in (Role.CS_AGENT, Role.PROMO_MANAGER, Role.COMPLIANCE_OFFICER):
        client.force_login(make_user(roles=(role,)))
        assert client.get(reverse(PAGE)).status_code == 403
    fragment = {"X-Pitboss-Fragment": "1"}
    client.force_login(make_user(roles=(Role.INTEGRATION_ENGINEER,)))
    answer = client.get(reverse(PAGE), headers=fragment)
    assert "<html" not in answer.content.decode()
    assert "The last 15 minutes" in answer.content.decode()


def test_figures_lead_to_the_rows_behind_them(client: Client, casino: Casino) -> None:
    casino.now = datetime.now(tz=NOW.tzinfo)
    event = casino.event("e-1")
    casino.send_one(event)
    casino.send_one(event)
    client.force_login(make_user(roles=(Role.INTEGRATION_ENGINEER,)))
    text = client.get(reverse(PAGE)).content.decode()
    link = f"?provider_id={casino.provider.pk}&amp;window=15m&amp;who=all&amp;verdict=repeat"
    assert link in text
    log = client.get(reverse("admin:rounds_delivery_changelist") + link.replace("&amp;", "&"))
    assert len(log.context["cl"].result_list) == 1


def test_the_statements_read_by_index() -> None:
    fill([Delivery, DeliveryVerdict], rows=20_000)
    state = "CASE WHEN mod(i, 100) = 0 THEN 'open' ELSE 'settled' END"
    fill([Round], rows=5_000, values={"state": state})
    now = datetime.now(UTC)
    params = {"providers": [1], "since": now - HOUR, "until": now, "most": 10}
    plan = plan_of(traffic.HEALTH, params)
    assert "rounds_delivery_default_received_at_idx" in plan, plan
    assert "rounds_deliveryverdict_delivery_id" in plan, plan
    plan = plan_of(traffic.STUCK, {"before": now - HOUR, "most": 10})
    assert "rounds_round_open" in plan, plan


def test_nobody_asked_about_has_no_traffic() -> None:
    assert traffic_of([], since=NOW - HOUR, until=NOW) == {}
