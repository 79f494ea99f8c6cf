"""A suspicion, its clock, and what is recorded of it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pgtrigger
import pytest
import time_machine
from django.apps import apps
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from apps.aml import selectors, services
from apps.aml.clocks import report_due_at
from apps.aml.enums import Deed, MatterState, Suspicion
from apps.aml.errors import (
    FutureSuspicionError,
    LateWithoutReasonError,
    LodgedTimeError,
    MatterDecidedError,
)
from apps.aml.models import AccessEntry, Matter, Note
from apps.core.admin.live import FRAGMENT_HEADER
from apps.core.models import AuditEntry
from apps.core.working_days import AUSTRALIA
from apps.players.errors import UnknownPlayerError
from apps.staff.contracts import VISIT
from apps.staff.enums import Role
from apps.staff.models import User
from tests.factories import make_player, make_user
from tests.older_schema import schema_at

# A Thursday morning in Sydney (UTC+11).
NOW = datetime(2026, 11, 25, 23, 0, tzinfo=UTC)


@pytest.fixture
def officer() -> User:
    call_command("seed_roles", verbosity=0)
    return make_user("amy", roles=(Role.AML_OFFICER,))


def open_matter(officer: User, **changes: Any) -> Matter:
    make_player(changes.get("player_ref", "p-777"))
    facts: dict[str, Any] = {
        "player_ref": "p-777",
        "suspicion": Suspicion.MONEY_LAUNDERING,
        "suspected_at": NOW,
        "note": "Ten deposits just below the line.",
        "actor": officer,
        "now": NOW,
    }
    return services.open_matter(**{**facts, **changes})


def test_terrorism_financing_is_due_after_24_hours_to_the_second() -> None:
    assert report_due_at(Suspicion.TERRORISM_FINANCING, NOW) == NOW + timedelta(hours=24)


def test_other_suspicions_are_due_at_the_end_of_the_third_business_day_in_australia() -> None:
    # Formed on Thursday 26 November there: Friday, Monday and Tuesday 1 December count.
    due = report_due_at(Suspicion.MONEY_LAUNDERING, NOW)

    assert due == datetime(2026, 12, 1, 13, 0, tzinfo=UTC)  # midnight in Sydney
    assert f"{due:%Y-%m-%d %H:%M}" == "2026-12-01 13:00"  # as written beside "UTC"


@pytest.mark.django_db
def test_the_answer_to_a_new_matter_and_its_page_state_one_moment(officer: User) -> None:
    make_player("p-778")
    client = Client()
    client.force_login(officer)
    form = {
        "player_ref": "p-778",
        "suspicion": "",
        "suspected_at": "2026-11-25T23:00",
        "reason": "Ten deposits just below the line.",
    }
    address = reverse("admin:aml_matter_add")
    refused = client.post(address, form).content.decode()
    assert "This field is required." in refused  # no kind, and so no clock, is chosen beforehand
    assert not Matter.objects.exists()

    page = client.post(address, {**form, "suspicion": "money_laundering"}, follow=True)

    assert "The report is due 2026-12-01 13:00 UTC." in page.content.decode()
    assert "2026-12-01 13:00:00 UTC" in page.content.decode()


def test_christmas_and_boxing_day_do_not_count() -> None:
    formed = datetime(2026, 12, 23, 1, 0, tzinfo=UTC)  # Wednesday 23 December, noon in Sydney

    # 24, 28 and 29 December count: Boxing Day is a Saturday and not moved nationwide.
    assert AUSTRALIA.after(AUSTRALIA.day_of(formed), 3) == date(2026, 12, 29)


@given(minutes=st.integers(0, 10 * 366 * 24 * 60))
def test_a_report_is_never_due_before_three_days_nor_on_a_day_off(minutes: int) -> None:
    moment = NOW + timedelta(minutes=minutes)
    due = report_due_at(Suspicion.OTHER, moment)
    last = AUSTRALIA.day_of(due - timedelta(seconds=1))

    assert due - moment >= timedelta(days=2, hours=23)
    assert AUSTRALIA.is_working_day(last)
    assert AUSTRALIA.working_days_until(AUSTRALIA.day_of(moment), last) == 3


@pytest.mark.django_db
def test_a_matter_is_reported_once_with_its_reference(officer: User) -> None:
    matter = open_matter(officer)
    report: dict[str, Any] = {
        "matter_id": matter.pk,
        "smr_reference": "SMR-2026-1",
        "lodged_at": NOW + timedelta(hours=2),
        "note": "Lodged.",
        "actor": officer,
        "now": NOW + timedelta(hours=3),
    }
    services.record_report(**report)

    matter.refresh_from_db()
    assert (matter.state, matter.smr_reference) == (MatterState.REPORTED, "SMR-2026-1")
    with pytest.raises(MatterDecidedError):
        services.record_report(**report)
    with pytest.raises(MatterDecidedError):
        services.close_matter(matter_id=matter.pk, note="No.", actor=officer, now=NOW)
    assert Note.objects.count() == 2
    services.add_note(matter_id=matter.pk, text="The authority asks.", actor=officer, now=NOW)
    assert Note.objects.count() == 3


@pytest.mark.django_db
def test_a_late_report_says_why(officer: User) -> None:
    matter = open_matter(officer, suspicion=Suspicion.TERRORISM_FINANCING)
    late = NOW + timedelta(hours=24)
    facts: dict[str, Any] = {
        "matter_id": matter.pk,
        "smr_reference": "SMR-1",
        "lodged_at": late,
        "actor": officer,
        "now": late,
    }
    with pytest.raises(LateWithoutReasonError):
        services.record_report(note="Late.", **facts)
    matter.refresh_from_db()
    assert (matter.state, Note.objects.count()) == (MatterState.OPEN, 1)

    services.record_report(note="The portal was down from 20:00.", **facts)
    assert Matter.objects.get().state == MatterState.REPORTED


@pytest.mark.django_db
def test_a_report_is_not_lodged_before_its_suspicion_so_that_it_would_be_in_time(
    officer: User,
) -> None:
    matter = open_matter(officer, suspicion=Suspicion.TERRORISM_FINANCING)
    late = NOW + timedelta(days=9)
    for wrong in (NOW - timedelta(days=365), NOW - timedelta(seconds=1), late + timedelta(days=1)):
        with pytest.raises(LodgedTimeError):
            services.record_report(
                matter_id=matter.pk,
                smr_reference="SMR-1",
                lodged_at=wrong,
                note="Lodged.",
                actor=officer,
                now=late,
            )
    matter.refresh_from_db()
    assert (matter.state, Note.objects.count()) == (MatterState.OPEN, 1)
    with pytest.raises(IntegrityError, match="lodged_after_the_suspicion"), transaction.atomic():
        Matter.objects.filter(pk=matter.pk).update(
            state=MatterState.REPORTED,
            smr_reference="SMR-1",
            lodged_at=NOW - timedelta(days=365),
            decided_at=late,
            decided_by=officer,
        )


@pytest.mark.django_db(transaction=True)
def test_what_was_lodged_too_early_before_that_was_refused_stands_as_it_was(officer: User) -> None:
    wrong, other = open_matter(officer), open_matter(officer, player_ref="p-778")
    reported: dict[str, Any] = {
        "state": MatterState.REPORTED,
        "smr_reference": "SMR-1",
        "lodged_at": NOW - timedelta(days=365),
        "decided_at": NOW,
        "decided_by": officer,
    }
    with schema_at("aml", "0002_blind_seals"):
        Matter.objects.filter(pk=wrong.pk).update(**reported)
    wrong.refresh_from_db()
    assert wrong.lodged_at == NOW - timedelta(days=365)
    with pytest.raises(IntegrityError, match="lodged_after_the_suspicion"):
        Matter.objects.filter(pk=other.pk).update(**reported)


@pytest.mark.django_db
def test_a_suspicion_in_the_future_or_about_nobody_is_refused(officer: User) -> None:
    with pytest.raises(FutureSuspicionError):
        open_matter(officer, suspected_at=NOW + timedelta(seconds=1))
    with pytest.raises(UnknownPlayerError):
        services.open_matter(
            player_ref="p-1",
            suspicion=Suspicion.OTHER,
            suspected_at=NOW,
            note="Nobody.",
            actor=officer,
            now=NOW,
        )

    assert not Matter.objects.exists()
    assert not AccessEntry.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {"due_at": NOW + timedelta(days=30)},
        {"suspicion": Suspicion.OTHER},
        {"state": MatterState.REPORTED},
        {"state": MatterState.CLOSED},
        {"smr_reference": "SMR-1"},
    ],
)
def test_the_database_refuses_another_clock_or_a_half_decision(
    officer: User, change: dict[str, Any]
) -> None:
    matter = open_matter(officer)
    with pytest.raises(DatabaseError), transaction.atomic():
        Matter.objects.filter(pk=matter.pk).update(**change)


def lose(model: str, **rows: Any) -> None:
    with pgtrigger.ignore(f"aml.{model}:append_only"):
        apps.get_model("aml", model).objects.filter(**rows).delete()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("model", "rows", "why"),
    [
        ("AccessEntry", {"sequence__gt": 1}, "3 entries were sealed, 1 are left"),
        ("AccessSeal", {}, "what opens a seal in the audit chain is gone"),
    ],
)
def test_a_cut_of_the_access_log_contradicts_its_seal_in_the_audit_chain(
    officer: User, model: str, rows: dict[str, Any], why: str
) -> None:
    matter = open_matter(officer)
    for text in ("Second.", "Third."):
        services.add_note(matter_id=matter.pk, text=text, actor=officer, now=NOW)
    assert services.seal_access_log(now=NOW)
    assert selectors.verify_access_log().holds
    lose(model, **rows)
    assert selectors.verify_access_log().why == why


@pytest.mark.django_db
def test_a_log_written_anew_contradicts_its_seal(officer: User) -> None:
    open_matter(officer)
    assert services.seal_access_log(now=NOW)
    lose("AccessEntry")
    services.record_access(actor=officer, deed=Deed.READ, now=NOW)
    verdict = selectors.verify_access_log()
    assert verdict.why == "place 1 is not the entry that was sealed"


@pytest.mark.django_db
def test_the_seal_in_the_chain_is_one_a_day_and_tells_nothing(officer: User) -> None:
    for day in range(3):
        assert services.seal_access_log(now=NOW + timedelta(days=day))
    assert not services.seal_access_log(now=NOW + timedelta(days=2))
    assert selectors.verify_access_log().holds
    entries = AuditEntry.objects.filter(action="aml.access_log.sealed")
    told = list(entries.values_list("actor_id", "reason", "details"))
    # Nothing happened, and no two are alike; nothing else is in them.
    assert len({details["seal"] for _actor, _reason, details in told}) == 3
    assert [(actor, reason, list(details)) for actor, reason, details in told] == [
        (None, "", ["seal"])
    ] * 3


@pytest.mark.django_db
def test_the_access_log_is_sealed_and_tells_what_was_changed(officer: User) -> None:
    matter = open_matter(officer)
    services.add_note(matter_id=matter.pk, text="Second.", actor=officer, now=NOW)
    services.add_note(matter_id=matter.pk, text="Third.", actor=officer, now=NOW)
    assert selectors.verify_access_log().holds

    first, second, third = AccessEntry.objects.order_by("sequence")
    with pytest.raises(DatabaseError), transaction.atomic():
        second.delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        AccessEntry.objects.create(
            actor_id=1,
            actor_name="x",
            deed="read",
            created_at=NOW,
            sequence=4,
            prev_hash=second.entry_hash,
            entry_hash="a" * 64,
        )
    with pgtrigger.ignore("aml.AccessEntry:append_only"):
        AccessEntry.objects.filter(pk=second.pk).update(actor_name="nobody")
    verdict = selectors.verify_access_log()
    assert (verdict.first_bad_id, verdict.why) == (second.pk, "its content does not match its hash")
    with pgtrigger.ignore("aml.AccessEntry:append_only"):
        AccessEntry.objects.filter(pk=first.pk).delete()
    assert "an entry is missing" in selectors.verify_access_log().why
    assert third.sequence == 3


@pytest.mark.django_db
def test_a_card_that_renews_itself_is_one_look_for_a_quarter_of_an_hour(officer: User) -> None:
    """It asks every five seconds: an entry for each would bury what somebody opened."""
    player = make_player("p-779")
    card = reverse("admin:players_player_change", args=[player.pk])
    client, renewal = Client(), {FRAGMENT_HEADER: "1"}

    def looks() -> int:
        return AccessEntry.objects.filter(deed=Deed.CARD, detail=f"player {player.pk}").count()

    with time_machine.travel(NOW, tick=False) as clock:
        client.force_login(officer)
        # Anybody can send the header: without an opened card in the log it is a look like any.
        counts = []
        for headers in (renewal, renewal, {}, renewal):
            assert client.get(card, headers=headers).status_code == 200
            counts.append(looks())
        clock.shift(VISIT)
        for _ in range(2):
            client.get(card, headers=renewal)
            counts.append(looks())
    assert counts == [1, 1, 2, 2, 3, 3]


@pytest.mark.django_db
def test_the_officer_works_a_matter_in_the_browser(officer: User) -> None:
    matter = open_matter(officer)
    client = Client()
    client.force_login(officer)

    home = client.get(reverse("admin:index")).content.decode()
    assert "AML matters to report or close" in home
    page = client.get(reverse("admin:aml_matter_change", args=[matter.pk])).content.decode()
    assert "Ten deposits just below the line." in page
    card = client.get(reverse("admin:players_player_change", args=[matter.player_id]))
    assert f"Matter {matter.pk}" in card.content.decode()
    log = client.get(reverse("admin:aml_accessentry_changelist")).content.decode()
    assert "The log holds" in log

    done = client.post(
        reverse("admin:aml_matter_do", args=[matter.pk, "report"]),
        {"smr_reference": "SMR-9", "lodged_at": "2026-11-26T00:30", "reason": "Lodged by portal."},
        follow=True,
    )
    assert "The report is on record" in done.content.decode()
