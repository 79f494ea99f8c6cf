"""A renewal moves by its table of steps, and ends with a successor or a why."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.compliance.enums import CLOSED_RENEWALS, RENEWAL_STEPS, RenewalState
from apps.compliance.errors import (
    NotAllowedError,
    RenewalContentError,
    RenewalOpenAlreadyError,
    RenewalStepError,
    SuccessorRefusedError,
)
from apps.compliance.models import DeskDuty, Renewal, RenewalNote
from apps.compliance.services import renewals
from apps.compliance.services.renewals import Hands, Plan
from apps.core.errors import ReasonRequiredError
from apps.core.models import AuditEntry
from apps.providers.models import Certificate, Provider
from apps.providers.selectors.lapses import certificate_choices
from apps.staff.models import User
from tests.compliance.makers import make_officer, make_revision, run_desk
from tests.factories import make_cover, make_game, make_provider, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer() -> User:
    return make_officer("olga")


@pytest.fixture
def certificate() -> Certificate:
    return make_cover(make_game(make_provider()))


@pytest.fixture
def renewal(certificate: Certificate, officer: User, now: datetime) -> Renewal:
    return renewals.open_renewal(
        certificate_id=certificate.pk, acting_user=officer, reason="Ends in June.", now=now
    )


def trace() -> tuple[int, int, list[Any]]:
    return (
        RenewalNote.objects.count(),
        AuditEntry.objects.count(),
        list(Renewal.objects.order_by("pk").values()),
    )


def test_who_opens_a_renewal_by_hand_has_it(
    renewal: Renewal, officer: User, certificate: Certificate, now: datetime
) -> None:
    assert (renewal.owner, renewal.state, renewal.due_on) == (officer, "open", date(2027, 6, 30))
    assert AuditEntry.objects.filter(action="compliance.renewal.opened").count() == 1
    before = trace()
    with pytest.raises(RenewalOpenAlreadyError):
        renewals.open_renewal(
            certificate_id=certificate.pk, acting_user=officer, reason="Again.", now=now
        )
    assert trace() == before


@pytest.mark.parametrize("start", [state for state in RenewalState if state not in CLOSED_RENEWALS])
@pytest.mark.parametrize("end", list(RenewalState))
def test_a_step_that_is_not_in_the_table_is_refused(
    renewal: Renewal, officer: User, now: datetime, start: RenewalState, end: RenewalState
) -> None:
    path = [RenewalState.REQUESTED, RenewalState.IN_TEST, RenewalState.RECEIVED]
    for state in path[: path.index(start) + 1] if start in path else []:
        move(renewal, state, officer, now)
    if end in RENEWAL_STEPS[start] and end not in CLOSED_RENEWALS:
        assert move(renewal, end, officer, now).state == end
        return
    before = trace()
    with pytest.raises(RenewalStepError):
        move(renewal, end, officer, now)
    assert trace() == before


def move(renewal: Renewal, state: str, officer: User, now: datetime) -> Renewal:
    return renewals.move_renewal(
        renewal_id=renewal.pk, state=state, acting_user=officer, reason="The lab said so.", now=now
    )


def test_only_who_works_on_renewals_does(renewal: Renewal, now: datetime) -> None:
    reader = make_user(permissions=("compliance.view_renewal",))
    before = trace()
    calls: list[Any] = [
        lambda: move(renewal, "requested", reader, now),
        lambda: renewals.add_note(
            renewal_id=renewal.pk, body="Hello.", acting_user=reader, now=now
        ),
        lambda: renewals.decline_renewal(
            renewal_id=renewal.pk, acting_user=reader, reason="No.", now=now
        ),
        lambda: renewals.take_renewal(
            renewal_id=renewal.pk, acting_user=reader, reason="", now=now
        ),
    ]
    for call in calls:
        with pytest.raises(NotAllowedError):
            call()
    assert trace() == before


def test_owner_and_deputy_are_two_who_work_on_renewals(
    renewal: Renewal, officer: User, now: datetime
) -> None:
    other, reader = make_officer("dan"), make_user()

    def assign(owner: User | None, deputy: User | None) -> Renewal:
        return renewals.assign_renewal(
            renewal_id=renewal.pk,
            hands=Hands(owner.pk if owner else None, deputy.pk if deputy else None),
            acting_user=officer,
            reason="",
            now=now,
        )

    with pytest.raises(RenewalContentError):
        assign(officer, officer)
    with pytest.raises(NotAllowedError):
        assign(reader, None)
    assigned = assign(other, officer)
    assert (assigned.owner, assigned.deputy, assigned.acknowledged_at) == (other, officer, None)
    taken = renewals.take_renewal(renewal_id=renewal.pk, acting_user=officer, reason="", now=now)
    taken.refresh_from_db()
    assert (taken.owner, taken.deputy, taken.acknowledged_at) == (officer, other, now)


def test_a_plan_lies_ahead(renewal: Renewal, officer: User, now: datetime) -> None:
    def plan(day: date) -> Renewal:
        return renewals.plan_renewal(
            renewal_id=renewal.pk,
            plan=Plan(day, " Ms Lund, +356 2100 0000 "),
            acting_user=officer,
            reason="Lab confirmed the slot.",
            now=now,
        )

    with pytest.raises(RenewalContentError):
        plan(now.date() - timedelta(days=1))
    planned = plan(date(2027, 5, 1))
    assert (planned.due_on, planned.lab_contact) == (date(2027, 5, 1), "Ms Lund, +356 2100 0000")


def complete(renewal: Renewal, successor: Certificate, officer: User, now: datetime) -> Renewal:
    return renewals.complete_renewal(
        renewal_id=renewal.pk,
        successor_id=successor.pk,
        acting_user=officer,
        reason="The new report is registered.",
        now=now,
    )


def test_a_new_report_closes_it_and_what_it_no_longer_names_is_said(
    certificate: Certificate, renewal: Renewal, officer: User, now: datetime
) -> None:
    game = make_game(certificate_provider(certificate), "aurora-wake")
    certificate.games.create(game_code=game.game_code)
    new = make_revision(certificate, effective_on=date(2027, 1, 1), games=("aurora-reef",))
    with pytest.raises(SuccessorRefusedError, match=r"2027-07-01.*aurora-wake in MT\.$"):
        complete(renewal, new, officer, now)
    game.offers.all().delete()
    done = complete(renewal, new, officer, now)
    assert (done.state, done.successor, done.closed_at) == ("done", new, now)
    assert done.outcome.endswith(f"{new} no longer names aurora-wake.")
    with pytest.raises(RenewalStepError):
        complete(renewal, new, officer, now)


def certificate_provider(certificate: Certificate) -> Provider:
    return Provider.objects.get(code=certificate.provider_code)


def test_what_can_not_take_its_place_is_refused(
    certificate: Certificate, renewal: Renewal, officer: User, now: datetime
) -> None:
    other_game = make_cover(make_game(certificate_provider(certificate), "aurora-wake"))
    foreign = make_cover(make_game(make_provider("borealis"), "borealis-reef"))
    withdrawn = make_revision(certificate, effective_on=date(2027, 1, 1))
    Certificate.objects.filter(pk=withdrawn.pk).update(state="withdrawn")
    before = trace()
    for successor in (certificate, other_game, foreign, withdrawn):
        with pytest.raises(SuccessorRefusedError):
            complete(renewal, successor, officer, now)
    assert trace() == before


def test_who_decides_not_to_renew_says_why_and_is_not_asked_again(
    certificate: Certificate, renewal: Renewal, officer: User, now: datetime
) -> None:
    with pytest.raises(ReasonRequiredError):
        renewals.decline_renewal(renewal_id=renewal.pk, acting_user=officer, reason="  ", now=now)
    renewals.decline_renewal(
        renewal_id=renewal.pk, acting_user=officer, reason="Game is delisted.", now=now
    )
    run = run_desk(now + timedelta(days=200))
    assert (run.opened, run.reminded) == (0, 0)


def test_a_withdrawn_certificate_needs_no_renewal(
    certificate: Certificate, renewal: Renewal, now: datetime
) -> None:
    Certificate.objects.filter(pk=certificate.pk).update(state="withdrawn")
    assert run_desk(now).closed == 1
    renewal.refresh_from_db()
    assert (renewal.state, renewal.successor) == ("wont_renew", None)


def test_a_duty_gives_what_nobody_has_to_its_owner(
    certificate: Certificate, officer: User, now: datetime
) -> None:
    run_desk(datetime(2027, 6, 1, 4, tzinfo=now.tzinfo))
    assert Renewal.objects.get().owner is None
    boss = make_user(
        "boss",
        permissions=(
            "compliance.view_deskduty",
            "compliance.add_deskduty",
            "compliance.work_renewal",
        ),
    )
    browser = Client()
    browser.force_login(boss, backend="django.contrib.auth.backends.ModelBackend")
    answer = browser.post(
        reverse("admin:compliance_deskduty_add"),
        {
            "owner": officer.pk,
            "deputy": boss.pk,
            "acknowledge_days": 2,
            "change_reason": "Olga does Aurora from now on.",
        },
    )
    assert answer.status_code == 302
    assert DeskDuty.objects.get().owner == officer
    renewal = Renewal.objects.get()
    assert (renewal.owner, renewal.deputy) == (officer, boss)


def _steps_offered(browser: Client, url: str) -> tuple[list[str], str]:
    field = browser.get(url).context["form"]["state"]
    return [value for value, _label in field.field.choices], field.value()


def test_the_page_offers_what_can_be_done_and_does_it(renewal: Renewal, now: datetime) -> None:
    worker = make_officer(
        "wanda", permissions=("compliance.work_renewal", "compliance.view_renewal")
    )
    browser = Client()
    browser.force_login(worker, backend="django.contrib.auth.backends.ModelBackend")
    page = reverse("admin:compliance_renewal_change", args=[renewal.pk])
    text = browser.get(page).content.decode()
    assert "Take it" in text
    assert "Won&#x27;t renew" in text or "Won't renew" in text
    take = reverse("admin:compliance_renewal_do", args=[renewal.pk, "take"])
    assert browser.post(take, {"reason": ""}).status_code == 302
    move_url = reverse("admin:compliance_renewal_do", args=[renewal.pk, "move"])
    assert _steps_offered(browser, move_url) == (["requested"], "requested")
    browser.post(move_url, {"state": "requested", "reason": "Ordered by mail."})
    renewal.refresh_from_db()
    assert (renewal.owner, renewal.state) == (worker, "requested")
    assert _steps_offered(browser, move_url) == (["in_test", "open"], "in_test")
    listing = reverse("admin:compliance_renewal_changelist")
    assert str(renewal.certificate) in browser.get(listing, {"whose": "mine"}).content.decode()
    assert (
        str(renewal.certificate) not in browser.get(listing, {"whose": "overdue"}).content.decode()
    )


def test_a_new_plan_and_other_hands_begin_with_what_is_on_file(
    renewal: Renewal, officer: User, now: datetime
) -> None:
    deputy = make_officer("dan")
    facts: Any = {"renewal_id": renewal.pk, "acting_user": officer, "reason": "As agreed."}
    renewals.plan_renewal(plan=Plan(date(2027, 5, 1), "Ms Lake"), now=now, **facts)
    renewals.assign_renewal(hands=Hands(officer.pk, deputy.pk), now=now, **facts)
    worker = make_officer(
        "wanda", permissions=("compliance.work_renewal", "compliance.view_renewal")
    )
    browser = Client()
    browser.force_login(worker, backend="django.contrib.auth.backends.ModelBackend")
    for name, begins in (
        ("plan", {"due_on": date(2027, 5, 1), "lab_contact": "Ms Lake"}),
        ("assign", {"owner": officer.pk, "deputy": deputy.pk}),
    ):
        url = reverse("admin:compliance_renewal_do", args=[renewal.pk, name])
        form = browser.get(url).context["form"]
        assert {field: form[field].value() for field in begins} == begins


def test_what_is_said_with_an_acknowledgement_is_kept(renewal: Renewal, now: datetime) -> None:
    owner = make_officer(
        "wanda", permissions=("compliance.work_renewal", "compliance.view_renewal")
    )
    renewals.take_renewal(renewal_id=renewal.pk, acting_user=owner, reason="", now=now)
    browser = Client()
    browser.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    acknowledge = reverse("admin:compliance_renewal_do", args=[renewal.pk, "acknowledge"])
    assert browser.post(acknowledge, {"reason": "The lab was called."}).status_code == 302
    assert browser.post(acknowledge, {"reason": ""}).status_code == 302
    notes = RenewalNote.objects.filter(kind="acknowledged").order_by("pk")
    assert list(notes.values_list("body", "author")) == [
        ("Reminder read. The lab was called.", owner.pk),
        ("Reminder read.", owner.pk),
    ]
    audited = AuditEntry.objects.filter(action="compliance.renewal.acknowledged").order_by("pk")
    assert list(audited.values_list("reason", flat=True)) == ["The lab was called.", ""]
    assert audited[0].subject == f"compliance.renewal:{renewal.pk}"


def test_a_reader_is_offered_nothing(renewal: Renewal) -> None:
    reader = make_user(permissions=("compliance.view_renewal",))
    browser = Client()
    browser.force_login(reader, backend="django.contrib.auth.backends.ModelBackend")
    text = browser.get(
        reverse("admin:compliance_renewal_change", args=[renewal.pk])
    ).content.decode()
    assert "Take it" not in text
    take = reverse("admin:compliance_renewal_do", args=[renewal.pk, "take"])
    assert browser.post(take, {"reason": ""}).status_code == 403
    assert browser.get(reverse("admin:compliance_renewal_add")).status_code == 403


def test_by_hand_from_the_certificate_page(certificate: Certificate, now: datetime) -> None:
    worker = make_officer(
        "wanda", permissions=("compliance.work_renewal", "compliance.view_renewal")
    )
    browser = Client()
    browser.force_login(worker, backend="django.contrib.auth.backends.ModelBackend")
    address = reverse("admin:compliance_renewal_add")
    assert browser.get(address, {"certificate": certificate.pk}).status_code == 200
    browser.post(address, {"certificate": certificate.pk, "reason": "The lab is slow."})
    assert Renewal.objects.get().owner == worker
    again = browser.post(address, {"certificate": certificate.pk, "reason": "The lab is slow."})
    assert f"A renewal of {certificate} is open" in again.content.decode()


def test_what_the_acceptance_kit_registered_is_offered_to_nobody_for_renewal() -> None:
    game = make_game(make_provider())
    real, kit = make_cover(game), make_cover(game, "ZZ")
    assert [pk for pk, _name in certificate_choices()] == [str(real.pk)]
    assert kit.state == real.state
