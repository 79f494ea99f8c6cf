"""The audit walks every balance of the day: it names the first event that breaks the chain."""

from itertools import count
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.gateway.services.sub_wallets import MoneyOrder, fund_sub_wallet, sweep_sub_wallets
from apps.gateway.services.wallet_audit import audit_wallets
from apps.providers.models import Provider
from apps.rounds.models import RoundEvent
from apps.staff.enums import Role
from apps.staff.services import sync_roles
from apps.wallet.contracts import AuditReport
from apps.wallet.models import AuditFinding
from tests.factories import make_user
from tests.gateway.builders import NOW, Casino, later, open_player

DAY = 86_400


@pytest.fixture
def sub(casino: Casino) -> Casino:
    Provider.objects.update(wallet_model="sub_wallet")
    casino.book = {"p-1001": 0}
    fund(casino, 5_000, "k-1", at=0)
    return casino


def fund(casino: Casino, amount_minor: int, key: str, *, at: float) -> None:
    order = MoneyOrder(casino.player.pk, "aurora", amount_minor, "AUD", key)
    fund_sub_wallet(order, now=later(at))
    casino.book["p-1001"] += amount_minor


def play(casino: Casino, event_id: str, *, at: float, **changes: Any) -> None:
    """Send a final event of a bet of 2.00 that wins 3.50, played at a moment."""
    casino.now = later(at)
    assert casino.send_one(casino.event(event_id, **changes))["status"] == "accepted"


def audit(at: float) -> AuditReport:
    return audit_wallets("aurora", now=later(at))


def found() -> list[tuple[str, int, int, str, int | None, int | None]]:
    return list(
        AuditFinding.objects.order_by("pk").values_list(
            "event_id",
            "ours_minor",
            "theirs_minor",
            "event_before",
            "theirs_before_minor",
            "moved_minor",
        )
    )


def test_a_day_without_a_break_counts_each_balance_it_walked(sub: Casino) -> None:
    for place in range(1, 5):
        play(sub, f"e-{place}", at=place)
    report = audit(60)
    assert (report.compared, report.unheard, report.words, report.findings) == (1, 0, 4, 0)


def test_drift_that_the_last_balance_hides_is_named_where_it_began(sub: Casino) -> None:
    play(sub, "e-1", at=1)
    play(sub, "e-2", at=2, balance_before="51.50", balance_after="52.00")
    play(sub, "e-3", at=3)
    play(sub, "e-4", at=4)
    report = audit(60)
    assert (report.words, report.findings) == (4, 1)
    # The provider said 51.50 after e-1, 1.50 moved, so it should have said 53.00.
    assert found() == [("e-2", 5_300, 5_200, "e-1", 5_150, 150)]


def test_the_first_of_several_breaks_is_named(sub: Casino) -> None:
    play(sub, "e-1", at=1)
    for place, said in ((2, "60.00"), (3, "70.00"), (4, "80.00")):
        play(sub, f"e-{place}", at=place, balance_before="0.00", balance_after=said)
    assert audit(60).findings == 1
    assert audit(90).findings == 0
    assert [row[0] for row in found()] == ["e-2"]


def test_drift_that_stays_is_found_once_on_all_days_that_follow(sub: Casino) -> None:
    play(sub, "e-1", at=1, balance_before="50.00", balance_after="51.00")
    assert audit(60).findings == 1
    sub.book["p-1001"] -= 50
    for day in (1, 2):
        play(sub, f"d-{day}", at=day * DAY)
        assert audit(day * DAY + 60).findings == 0
    assert audit(5 * DAY).findings == 0
    assert [row[0] for row in found()] == ["e-1"]


def test_another_drift_on_a_later_day_is_another_finding(sub: Casino) -> None:
    play(sub, "e-1", at=1, balance_before="50.00", balance_after="51.00")
    audit(60)
    play(sub, "d-1", at=DAY, balance_before="51.00", balance_after="52.00")
    assert audit(DAY + 60).findings == 1
    assert found()[1] == ("d-1", 5_300, 5_200, "e-1", 5_100, 150)


def test_drift_from_before_the_day_that_nobody_found_is_named_too(sub: Casino) -> None:
    play(sub, "e-1", at=1, balance_before="50.00", balance_after="51.00")
    assert audit(3 * DAY).findings == 1
    assert found() == [("e-1", 5_150, 5_100, "", None, None)]


def test_a_provider_that_comes_back_to_our_figure_is_no_finding(sub: Casino) -> None:
    play(sub, "e-1", at=1, balance_before="50.00", balance_after="51.00")
    audit(60)
    play(sub, "e-2", at=70)
    assert audit(120).findings == 0


def test_what_was_filled_and_swept_within_the_chain_is_no_break(sub: Casino) -> None:
    play(sub, "e-1", at=1)
    fund(sub, 700, "k-2", at=2)
    play(sub, "e-2", at=3)
    sweep_sub_wallets("aurora", now=later(4))
    sub.book["p-1001"] = 0
    fund(sub, 900, "k-3", at=5)
    play(sub, "e-3", at=6)
    assert (audit(60).words, AuditFinding.objects.count()) == (3, 0)


def test_an_event_rolled_back_counts_until_its_rollback_and_no_longer(sub: Casino) -> None:
    play(sub, "e-1", at=1)
    play(sub, "e-2", at=2)
    sub.now = later(3)
    sub.send(sub.rollback("b-1", "e-1"))
    play(sub, "e-3", at=4)
    sub.now = later(5)
    sub.send(sub.rollback("b-2", "e-1"))
    play(sub, "e-4", at=6)
    report = audit(60)
    assert (report.words, report.findings) == (6, 0), found()


def test_the_rollback_of_an_event_of_the_day_before_stands_at_its_own_time(sub: Casino) -> None:
    play(sub, "e-1", at=1)
    play(sub, "d-1", at=DAY)
    sub.now = later(DAY + 5)
    sub.send(sub.rollback("b-1", "e-1"))
    assert audit(DAY + 60).findings == 0, found()


def test_events_that_came_out_of_order_are_walked_in_the_order_played(sub: Casino) -> None:
    first, second = sub.event("e-1"), sub.event("e-2")
    sub.now = later(10)
    first["timestamp"], second["timestamp"] = later(1).isoformat(), later(2).isoformat()
    first |= {"balance_before": "50.00", "balance_after": "51.50"}
    second |= {"balance_before": "51.50", "balance_after": "53.00"}
    sub.send(second)
    sub.send(first)
    assert audit(60).findings == 0, found()


def test_each_pot_has_a_chain_of_its_own(sub: Casino) -> None:
    other = open_player("p-2", cash_minor=1_000)
    fund_sub_wallet(MoneyOrder(other.pk, "aurora", 1_000, "AUD", "k-9"), now=NOW)
    sub.book["p-2"] = 1_000
    play(sub, "e-1", at=1)
    play(sub, "e-2", at=2, player_id="p-2", balance_before="10.00", balance_after="11.49")
    play(sub, "e-3", at=3)
    report = audit(60)
    assert (report.compared, report.words, report.findings) == (2, 3, 1)
    assert AuditFinding.objects.get().account.player_id == other.pk


def test_the_page_says_what_theirs_should_be_in_its_currency(client: Client, sub: Casino) -> None:
    play(sub, "e-1", at=1)
    play(sub, "e-2", at=2, balance_before="51.50", balance_after="52.00")
    audit(60)
    sync_roles(now=NOW)
    client.force_login(make_user(roles=(Role.AUDITOR,)))
    page = reverse("admin:wallet_auditfinding_change", args=[AuditFinding.objects.get().pk])
    text = client.get(page).content.decode()
    for said in ("e-1", "51.50 AUD", "1.50 AUD", "53.00 AUD", "52.00 AUD", "-1.00 AUD"):
        assert said in text, said


EXAMPLES = count(1)
PLANS = st.lists(st.sampled_from(["play", "play", "fund", "undo"]), min_size=2, max_size=7)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(plan=PLANS, shift=st.sampled_from([-1, 1, 250]), data=st.data())
def test_whatever_is_played_only_a_planted_break_is_named_and_it_is(
    sub: Casino, plan: list[str], shift: int, data: st.DataObject
) -> None:
    """The provider's own book is the oracle: from one event on it is off by the shift."""
    start = RoundEvent.objects.count()
    base = next(EXAMPLES) * 100
    planted, said = "", start
    for place, step in enumerate(plan):
        sub.now = later(base + place)
        if step == "fund":
            fund(sub, 10, f"k-{base}-{place}", at=base + place)
            continue
        open_targets = sorted(sub.booked - sub.undone - {e for e in sub.booked if e[0] == "b"})
        if not planted and data.draw(st.booleans()):
            sub.book["p-1001"] += shift
            planted = f"{'b' if step == 'undo' and open_targets else 'e'}-{base}-{place}"
        if step == "undo" and open_targets:
            sub.send(sub.rollback(f"b-{base}-{place}", open_targets[0]))
        else:
            play(sub, f"e-{base}-{place}", at=base + place)
        said += 1
    before = AuditFinding.objects.count()
    report = audit(base + 50)
    assert (report.words, report.findings) == (said, 1 if planted else 0), found()
    assert [row[0] for row in found()[before:]] == ([planted] if planted else [])
    # What the next example starts from agrees again.
    if planted:
        sub.book["p-1001"] -= shift
        play(sub, f"e-{base}-end", at=base + 60)
