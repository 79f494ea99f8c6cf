"""A round's page: what to do next, and each event beside its bytes, ledger lines and deliveries."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.admin import Panel
from apps.rounds.models import Round, RoundEvent
from apps.staff.enums import Role
from apps.staff.services import sync_roles
from tests.factories import make_cover, make_override, make_user
from tests.gateway.builders import Casino, open_casino

pytestmark = pytest.mark.django_db


@pytest.fixture
def casino(now: datetime) -> Casino:
    sync_roles(now=now)
    return open_casino()


@pytest.fixture
def agent(client: Client, casino: Casino) -> Client:
    client.force_login(make_user(roles=(Role.CS_AGENT,)))
    return client


def page_of(client: Client, query: str = "") -> str:
    answer = client.get(reverse("admin:rounds_round_change", args=[Round.objects.get().pk]) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def next_step(client: Client) -> Panel:
    answer = client.get(reverse("admin:rounds_round_change", args=[Round.objects.get().pk]))
    [panel] = [one for one in answer.context["panels"] if one.title == "What to do next"]
    assert isinstance(panel, Panel)
    return panel


def test_an_open_round_shows_what_is_held_and_that_nothing_is_to_do(
    agent: Client, casino: Casino
) -> None:
    casino.now = datetime.now(UTC)
    casino.send_one(casino.tentative("e-1"))
    make_cover(Round.objects.get().game)
    step = next_step(agent)
    assert step.empty_text.startswith("Nothing to do yet. Open: stakes are held")
    assert (step.tone, [text for text, _ in step.links]) == ("info", ["Deliveries that wait"])


@pytest.mark.parametrize(
    ("finalized", "word"), [(True, "Settled at"), (False, "Open: stakes are held")]
)
def test_a_round_without_proof_says_who_does_what_about_it_and_never_that_nothing_is_to_do(
    agent: Client, casino: Casino, finalized: bool, word: str
) -> None:
    casino.now = datetime.now(UTC)
    if finalized:
        casino.send_one(casino.event("e-1", round_id="r-1"))
    else:
        casino.send_one(casino.tentative("e-1"))
    step = next_step(agent)
    assert word in step.empty_text
    assert "Nothing to do" not in step.empty_text
    assert (
        "The proof of this round is missing: no report covered the game in MT on" in step.empty_text
    )
    assert (step.tone, step.links[-1][0]) == ("danger", "What covered the game there")
    client = Client()
    client.force_login(make_user("olivia", roles=(Role.COMPLIANCE_OFFICER,)))
    answer = client.get(step.links[-1][1])
    assert answer.status_code == 200
    assert "A launch would be refused" in answer.content.decode()


def test_a_settled_round_with_its_proof_needs_nothing(agent: Client, casino: Casino) -> None:
    casino.send_one(casino.event("e-1", round_id="r-1"))
    make_cover(Round.objects.get().game)
    step = next_step(agent)
    assert step.empty_text.startswith("Nothing to do. Settled at")
    assert (step.tone, step.links) == ("success", [])


def test_a_round_under_an_override_asks_for_its_report(agent: Client, casino: Casino) -> None:
    casino.send_one(casino.event("e-1", round_id="r-1"))
    played = Round.objects.get()
    override = make_override(played.game, "MT", played.opened_at)
    step = next_step(agent)
    assert f"This round was played under override {override.pk}," in step.empty_text
    assert "Nothing to do" not in step.empty_text
    assert step.tone == "warning"


def test_a_round_nobody_closed_in_a_day_is_stuck(agent: Client, casino: Casino) -> None:
    casino.now = datetime.now(UTC) - timedelta(hours=25)
    casino.send_one(casino.tentative("e-1"))
    assert "Stuck: no message closed this round" in page_of(agent)
    listed = agent.get(reverse("admin:rounds_round_changelist") + "?stuck=yes")
    assert [row.round_ref for row in listed.context["cl"].result_list] == ["r-1"]


def test_a_settled_round_shows_each_event_beside_its_lines_and_deliveries(
    agent: Client, casino: Casino
) -> None:
    tentative = casino.tentative("e-1")
    casino.send_one(tentative)
    casino.send_one(tentative)
    casino.send_one(casino.event("e-2", round_id="r-1", bet_amount="0.00", win_amount="5.00"))
    text = page_of(agent)
    assert "Settled at" in text
    assert "Event by event" in text
    assert "p-1001 held" in text
    assert text.count(">repeat<") == 1
    assert "&quot;event_id&quot;: &quot;e-2&quot;" in text


def test_a_rolled_back_round_says_so(agent: Client, casino: Casino) -> None:
    casino.send_one(casino.event("e-1", round_id="r-1"))
    casino.send_one(casino.rollback("e-3", "e-1", round_id="r-1"))
    assert "Rolled back: what was staked is back" in page_of(agent)


def test_a_round_tells_the_report_that_covered_it(agent: Client, casino: Casino) -> None:
    casino.send_one(casino.tentative("e-1"))
    assert "Proof of what was played" in (text := page_of(agent))
    assert "No registered report names" in text
    report = make_cover(Round.objects.get().game)
    assert f"{report.report_number} rev 1 of Northlight Labs" in page_of(agent)


def test_many_events_come_in_pages(agent: Client, casino: Casino) -> None:
    for number in range(22):
        casino.send_one(casino.tentative(f"e-{number}"))
    first, second = page_of(agent), page_of(agent, "?from=20")
    assert "21 to 22" in first
    assert first.count("pb-cell-code") == 20
    assert second.count("pb-cell-code") == 2
    for hostile in ("?from=-1", "?from=²", "?from=999999999999", "?from=%00", "?from=20.5"):
        assert page_of(agent, hostile).count("pb-cell-code") == 20


def test_a_promo_manager_sees_rounds_and_no_role_sees_none(client: Client, casino: Casino) -> None:
    casino.send_one(casino.tentative("e-1"))
    url = reverse("admin:rounds_round_change", args=[Round.objects.get().pk])
    client.force_login(make_user())
    assert client.get(url).status_code == 403
    client.force_login(make_user(roles=(Role.PROMO_MANAGER,)))
    assert client.get(url).status_code == 200


def test_bytes_and_ledger_lines_are_shown_to_who_may_read_them(
    client: Client, casino: Casino
) -> None:
    casino.send_one(casino.event("e-1", round_id="r-1"))
    rounds = ("rounds.view_round", "rounds.view_roundevent")
    pages = [
        reverse("admin:rounds_round_change", args=[Round.objects.get().pk]),
        reverse("admin:rounds_roundevent_change", args=[RoundEvent.objects.get().pk]),
    ]
    for more, sees_bytes, sees_lines in (
        ((), False, False),
        (("rounds.view_delivery",), True, False),
        (("wallet.view_transfer",), False, True),
    ):
        client.force_login(make_user(permissions=(*rounds, *more)))
        for page in pages:
            text = client.get(page).content.decode()
            assert ("bet_amount" in text, "/wallet/transfer/" in text) == (sees_bytes, sees_lines)
