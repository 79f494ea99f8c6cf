"""Every figure of every role's home, and of the report pages, opens to the rows it counts."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.compliance.models import Renewal, UncoveredDay
from apps.compliance.services.uncovered import keep_uncertified_play
from apps.core.admin import Panel
from apps.disputes.contracts import Complaint
from apps.disputes.models import Case
from apps.disputes.services import open_case
from apps.gateway.models import Rejection
from apps.onboarding.models import Onboarding
from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.players.models import Player
from apps.promotions.models import PromoTag
from apps.providers.models import Game, Provider
from apps.reconciliation.models import ReconciliationRun, StatementFile
from apps.reconciliation.services import Upload, import_statement, reconcile
from apps.rounds.models import Conflict, Delivery, DeliveryVerdict
from apps.staff.approvals import registered_kinds
from apps.staff.contracts import HomeCard
from apps.staff.enums import Role
from apps.staff.models import User
from apps.staff.services import request_approval
from tests.auditing.figures import assert_counts_open_to_their_rows, rows_behind
from tests.auditing.makers import client_of
from tests.compliance.makers import make_duty, run_desk
from tests.factories import make_cover, make_game, make_player, make_provider, make_user
from tests.reconciliation.booking import make_event
from tests.reconciliation.files import DAY as DAY_OF_FILES
from tests.reconciliation.files import csv_bytes
from tests.reconciliation.files import row as stated
from tests.rounds_makers import fund, play, round_event

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

# What the house below gives each role to see; a figure that shows nothing proves little.
SHOWN = {
    Role.COMPLIANCE_OFFICER: {
        "Approvals awaiting your decision",
        "Certificates that end",
        "Offers without cover",
        "Played without cover, last 7 days",
        "Providers on their way live",
        "Renewals awaiting you",
        "Rules to check against their source",
    },
    Role.FINANCE_ANALYST: {
        "Approvals awaiting your decision",
        "Days with nothing to compare",
        "Open breaks by provider and day",
        "Refused statements",
    },
    Role.INTEGRATION_ENGINEER: {
        "Approvals awaiting your decision",
        "Conflicts",
        "Deliveries not judged yet",
        "Parked events",
        "Providers on their way live",
        "Refused statements",
        "Refused today (UTC)",
    },
    Role.PROMO_MANAGER: {"Promo flags received today (UTC)"},
    Role.CS_AGENT: {"My disputes", "Disputes that nobody has"},
    Role.CS_SUPERVISOR: {"Credits awaiting a second person", "Overdue disputes"},
    Role.AUDITOR: {
        "Latest in the audit trail",
        "Offers without cover",
        "Open breaks by provider and day",
        "Played without cover, last 7 days",
    },
}


@dataclass(frozen=True)
class House:
    """Something of everything, and beside it what the acceptance kit played."""

    provider: Provider
    game: Game
    player: Player
    rehearsed: Player
    people: dict[str, User]
    now: datetime


@pytest.fixture
def house(tmp_path: Path) -> House:
    call_command("seed_roles", verbosity=0)
    now = timezone.now()
    provider = make_provider()
    game = make_game(provider, offered_in=("MT", "GB", REHEARSAL_JURISDICTION))
    make_game(provider, "aurora-reef-deep", offered_in=("MT",))
    make_cover(game, expires_on=(now - DAY).date())
    people = {role.value: make_user(f"the-{role.name}", roles=(role,)) for role in SHOWN}
    player = make_player("p-1")
    rehearsed = make_player("kit-1", jurisdiction=REHEARSAL_JURISDICTION)
    for one in (player, rehearsed):
        fund(one, 10_000, now - 3 * DAY)
    found = House(provider, game, player, rehearsed, people, now)
    _traffic(found)
    _desk(found)
    _finance(found)
    _players(found)
    reconcile_with(csv_bytes([stated("nobody-has-this")]), tmp_path, now)
    return found


def _traffic(house: House) -> None:
    """Play, and events that wait or contradict, of a player and of the acceptance kit."""
    now, provider = house.now, house.provider
    for one in (house.player, house.rehearsed):
        ref = one.player_ref
        played = [round_event(one, f"{ref}-{number}", now - MINUTE) for number in range(3)]
        play(provider, played, now - MINUTE)
        waits = {"status": "parked", "money_state": "none", "code": "late"}
        make_event("aurora", f"{ref}-parked", player=one, player_ref=ref, **waits)
        delivery = Delivery.objects.order_by("pk").last()
        assert delivery is not None
        Conflict.objects.create(
            provider=provider,
            event_id=f"{ref}-0",
            fingerprint="f" * 64,
            content={},
            first_seen_at=now,
            last_seen_at=now,
            last_delivery_id=delivery.pk,
        )
    for minutes in (1, 5):
        Delivery.objects.create(
            provider=provider,
            received_at=now - minutes * MINUTE,
            stored_at=now - minutes * MINUTE + timedelta(seconds=30),
            message_id=f"waits-{minutes}",
            key_id="k1",
            path="/callbacks/aurora/rounds",
            headers={},
            body=b"{}",
        )
    # One delivery with two refused events of two codes, and one repeat.
    delivery = Delivery.objects.create(
        provider=provider,
        received_at=now - MINUTE,
        message_id="batch",
        key_id="k1",
        path="/callbacks/aurora/rounds",
        headers={},
        body=b"{}",
    )
    DeliveryVerdict.objects.create(
        delivery_id=delivery.pk,
        http_status=200,
        judged_at=now,
        results=[
            {"event_id": "x-1", "status": "rejected", "code": "max_bet"},
            {"event_id": "x-2", "status": "rejected", "code": "round_closed"},
            {"event_id": "x-3", "status": "rejected", "code": "max_bet"},
            {"event_id": "x-4", "status": "duplicate", "code": None},
            {"event_id": "x-5", "status": "duplicate", "code": "max_bet"},
        ],
    )
    for number in range(10):
        for day in (now.date(), (now - DAY).date()):
            Rejection.objects.create(
                provider=provider,
                code=f"code_{number}",
                day=day,
                count=number + 1,
                first_seen_at=now,
                last_seen_at=now,
            )


def _desk(house: House) -> None:
    officer = house.people[Role.COMPLIANCE_OFFICER]
    make_duty(officer)
    for name in ("wake", "cove", "bay"):
        game = make_game(house.provider, f"aurora-{name}", offered_in=("MT",))
        make_cover(game, expires_on=house.now.date() + timedelta(days=20))
    run_desk(house.now)
    mine, nobodys, others = Renewal.objects.exclude(owner=None).order_by("pk")[:3]
    Renewal.objects.filter(pk=nobodys.pk).update(owner=None)
    Renewal.objects.filter(pk=others.pk).update(owner=make_user("a-colleague"))
    assert mine.owner == officer
    keep_uncertified_play(now=house.now)
    Onboarding.objects.create(provider=make_provider("cetus"), opened_at=house.now)
    Onboarding.objects.create(provider=house.provider, opened_at=house.now)
    Provider.objects.filter(code="cetus").update(stage="onboarding")
    Provider.objects.filter(code="aurora").update(stage="live", live_since=house.now)


def _finance(house: House) -> None:
    now, provider = house.now, house.provider
    today = now.date()
    # Days without a statement; one was looked at twice.
    for day in (today - 2 * DAY, today - 2 * DAY, today - DAY):
        reconcile(provider_code=provider.code, day=day, acting_user=None, now=now)
    days: list[date | None] = [None, today - DAY, today - DAY]
    for number, stated_day in enumerate(days):
        StatementFile.objects.create(
            provider=provider,
            day=stated_day,
            state="refused",
            source="upload",
            sha256=hashlib.sha256(str(number).encode()).hexdigest(),
            size_bytes=1,
            original_name=f"{number}.csv",
            refusal_code="unreadable",
            imported_at=now - timedelta(days=number * 20),
        )


def _players(house: House) -> None:
    now = house.now
    agent, asker = house.people[Role.CS_AGENT], house.people[Role.CS_SUPERVISOR]
    for number in range(4):
        complaint = Complaint(player_ref="p-1", case_type="settlement", claim=f"Claim {number}.")
        open_case(complaint, acting_user=asker, now=now - timedelta(days=number))
    first, second, *_ = Case.objects.order_by("pk")
    Case.objects.filter(pk=first.pk).update(assigned_to=agent)
    Case.objects.filter(pk=second.pk).update(state="credit_requested")
    for kind in registered_kinds():
        for person in (agent, *house.people.values()):
            if Role(person.groups.get().name) not in {Role.AUDITOR, Role.CS_AGENT}:
                request_approval(
                    kind=kind.kind,
                    subject=f"{kind.kind}:{person.pk}",
                    title=f"{kind.label}, asked by {person}",
                    payload={"n": 1},
                    requested_by=person,
                    reason="To see it on a home page.",
                    now=now,
                )
    for number, received in enumerate((now, now, now - 2 * DAY)):
        PromoTag.objects.create(
            provider=house.provider,
            event_id=f"p-1-{number}",
            subject=f"aurora:p-1-{number}",
            flagged_code="none",
            flagged_multiplier="2",
            occurred_at=received,
            is_known=False,
            is_in_window=False,
            multiplier_matches=False,
            reason="unknown_campaign",
            created_at=received,
        )


def reconcile_with(content: bytes, folder: Path, now: datetime) -> ReconciliationRun:
    """Import a statement of the day and compare it."""
    file = folder / "rounds.csv"
    file.write_bytes(content)
    wanted = Upload(path=file, name="rounds.csv", provider="aurora", day=None)
    import_statement(wanted, acting_user=None, now=now)
    outcome = reconcile(provider_code="aurora", day=DAY_OF_FILES, acting_user=None, now=now)
    return ReconciliationRun.objects.get(pk=outcome.run_id)


@pytest.mark.parametrize("role", list(SHOWN))
def test_each_figure_of_each_home_opens_to_that_many_rows(role: Role, house: House) -> None:
    browser = client_of(house.people[role])
    response: Any = browser.get(reverse("admin:index"))
    cards: list[HomeCard] = response.context["cards"]
    shown = {card.title for card in cards if card.value not in {"", "0"}}
    assert SHOWN[role] <= shown
    for card in cards:
        assert not card.value or card.link, f"{card.title}: the figure leads nowhere"
        if card.value:
            assert_opens(browser, card)
        for row in card.rows:
            assert row.link, f"{card.title}, {row.title}: the row leads nowhere"
            assert browser.get(row.link).status_code == 200, row.link


def assert_opens(browser: Client, card: HomeCard) -> None:
    page: Any = browser.get(card.link)
    assert page.status_code == 200, card.link
    text = card.value.replace(",", "")
    if card.title == "Daily net position":
        assert text == page.context["form"]["day"].value()  # A day, and no count.
        return
    found = rows_behind(browser, card.link)
    if text.endswith("+"):
        assert found > int(text[:-1]), card.title
    else:
        assert found == int(text), card.title


def test_an_offer_without_cover_that_stands_for_others_leads_to_all_of_them(house: House) -> None:
    browser = client_of(house.people[Role.COMPLIANCE_OFFICER])
    home: Any = browser.get(reverse("admin:index"))
    card = next(one for one in home.context["cards"] if one.title == "Offers without cover")
    row = next(one for one in card.rows if one.title.endswith("and 1 more"))
    assert rows_behind(browser, row.link) == 2


@pytest.mark.parametrize(
    "page",
    [
        "admin:reports_providerhealth_changelist",
        "admin:reports_walletmodelcomparison_changelist",
        "admin:reports_netposition_changelist",
    ],
)
def test_each_figure_of_the_report_pages_opens_to_its_rows(page: str, house: House) -> None:
    browser = client_of(house.people[Role.AUDITOR])
    panels = panels_of(browser, reverse(page))
    assert assert_counts_open_to_their_rows(browser, panels) > 0


def panels_of(browser: Client, address: str) -> list[Panel]:
    response: Any = browser.get(address)
    assert response.status_code == 200, address
    panels: list[Panel] = response.context["panels"]
    return panels


def test_a_delivery_with_several_refused_events_counts_once(house: House) -> None:
    browser = client_of(house.people[Role.INTEGRATION_ENGINEER])
    traffic, codes, *_ = panels_of(browser, reverse("admin:reports_providerhealth_changelist"))
    refused = traffic.columns.index("Refused")
    row = next(row for row in traffic.rows if "aurora" in str(row[0]))
    assert ">1<" in str(row[refused])
    above = '<span title="max_bet">Above the maximum bet</span>'
    assert [row[1] for row in codes.rows if row[2] == above] == ["repeat", "refused"]


def test_what_would_stop_leads_to_the_rounds_played_there(house: House) -> None:
    make_cover(house.game, "GB", expires_on=house.now.date() + 10 * DAY)
    reader = make_player("p-gb", jurisdiction="GB")
    fund(reader, 10_000, house.now)
    play(house.provider, [round_event(reader, "gb-1", house.now - MINUTE)], house.now)
    browser = client_of(house.people[Role.AUDITOR])
    soon = (house.now + 30 * DAY).date()
    page = reverse("admin:compliance_whatif_changelist") + f"?on={soon}"
    summary, lost, players, gained = panels_of(browser, page)
    assert assert_counts_open_to_their_rows(browser, [summary, lost, players, gained]) > 0
    facts = {str(row[0]): str(row[1]) for row in summary.rows}
    assert f">{len(lost.rows)}<" in facts["Offers that lose cover"]
    assert f">{len(gained.rows)}<" in facts["Offers that gain cover by then"]
    assert ">1<" in facts["Rounds in the last 30 days"]


def test_play_without_cover_leads_to_its_rounds_and_to_no_others(house: House) -> None:
    browser = client_of(house.people[Role.AUDITOR])
    where = UncoveredDay.objects.get(game=house.game, jurisdiction="MT", day=house.now.date())
    page: Any = browser.get(reverse("admin:compliance_uncoveredday_change", args=[where.pk]))
    panels = page.context["panels"]
    assert [str(row[0]) for row in panels[1].rows] == ["EUR"]
    assert assert_counts_open_to_their_rows(browser, panels) == 1
    assert ">3<" in str(panels[1].rows[0][1])
    cell = reverse("admin:compliance_coveragematrix_cell", args=[house.game.pk, "MT"])
    assert assert_counts_open_to_their_rows(browser, panels_of(browser, cell)) == 1


def test_each_run_opens_to_the_breaks_that_it_found_also_after_a_later_one(
    house: House, tmp_path: Path
) -> None:
    for event_id in ("e-1", "e-2"):
        make_event("aurora", event_id)
    amounts = [stated("e-1", bet="2.50"), stated("e-2", bet="2.50"), stated("e-3")]
    first = reconcile_with(csv_bytes(amounts), tmp_path, house.now)
    later = [stated("e-1", currency="EUR"), stated("e-2"), stated("e-3"), stated("e-4")]
    second = reconcile_with(csv_bytes(later), tmp_path, house.now + MINUTE)
    assert first.break_counts != second.break_counts
    browser = client_of(house.people[Role.AUDITOR])
    for run in (first, second):
        page = reverse("admin:reconciliation_reconciliationrun_change", args=[run.pk])
        response: Any = browser.get(page)
        panels = response.context["panels"]
        counts = sum(count > 0 for count in run.break_counts.values())
        assert assert_counts_open_to_their_rows(browser, panels) == counts
        breaks = reverse("admin:reconciliation_break_changelist")
        assert rows_behind(browser, f"{breaks}?run={run.pk}") == run.break_count


NO_FIGURES = [
    ("admin:rounds_round_changelist", "spans=1|2|MT|EUR|stands|a~b"),
    ("admin:rounds_round_changelist", "spans=1|2|MT|EUR|other|"),
    ("admin:rounds_round_changelist", "spans=%00"),
    ("admin:reconciliation_break_changelist", "run=abc:amount"),
    ("admin:reconciliation_break_changelist", "run=1:nothing"),
    ("admin:reconciliation_break_changelist", "day=2026-99-99"),
    ("admin:rounds_roundevent_changelist", "currency=%00"),
    ("admin:rounds_roundevent_changelist", "win_minor__gt=-1"),
    ("admin:rounds_delivery_changelist", "answer=<script>"),
    ("admin:gateway_rejection_changelist", "day=20261118"),
]


def test_an_address_that_names_no_figure_filters_nothing(house: House) -> None:
    browser = client_of(house.people[Role.AUDITOR])
    for page, query in NO_FIGURES:
        every = rows_behind(browser, reverse(page))
        assert rows_behind(browser, f"{reverse(page)}?{query}") == every, query
