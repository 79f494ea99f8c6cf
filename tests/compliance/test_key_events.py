"""A key event is drafted, submitted once, and its clock counts working days."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.utils import ProgrammingError
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from apps.compliance.admin.key_events import time_left
from apps.compliance.enums import KeyEventKind
from apps.compliance.errors import KeyEventContentError, KeyEventStateError, NotAllowedError
from apps.compliance.models import KeyEvent
from apps.compliance.services.key_events import (
    KeyEventText,
    draft_key_event,
    due_at,
    edit_key_event,
    submit_key_event,
)
from apps.core.errors import ReasonRequiredError
from apps.core.models import AuditEntry
from apps.core.working_days import GREAT_BRITAIN
from apps.staff.enums import Role
from apps.staff.models import User
from apps.staff.services import sync_roles
from tests.factories import make_user

pytestmark = pytest.mark.django_db

WHY = "As the supplier wrote."
TEXT = KeyEventText(KeyEventKind.SYSTEM_FAULT, "Wrong win shown", "Forty rounds showed 10x.")


@pytest.fixture
def officer() -> User:
    names = ("compliance.draft_keyevent", "compliance.submit_keyevent")
    return make_user(permissions=names)


def draft(officer: User, now: datetime, text: KeyEventText = TEXT) -> KeyEvent:
    return draft_key_event(text, aware_at=now, acting_user=officer, now=now)


@pytest.mark.parametrize(
    ("aware", "due"),
    [
        # A Monday: the next Monday is the fifth working day, and over at its midnight.
        (datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)),
        # A Saturday counts like the Friday before it.
        (datetime(2026, 11, 28, 9, tzinfo=UTC), datetime(2026, 12, 5, tzinfo=UTC)),
        # Christmas Day, Boxing Day's substitute (Monday 28) and New Year's Day don't count.
        (datetime(2026, 12, 23, 9, tzinfo=UTC), datetime(2027, 1, 5, tzinfo=UTC)),
        # In summer London is an hour ahead: 23:30 UTC is the next day there.
        (datetime(2026, 6, 30, 23, 30, tzinfo=UTC), datetime(2026, 7, 8, 23, tzinfo=UTC)),
    ],
)
def test_five_working_days_of_great_britain_run(aware: datetime, due: datetime) -> None:
    assert due_at(aware) == due


@given(st.dates(date(2020, 1, 1), date(2029, 12, 1)))
def test_just_five_working_days_lie_within_the_clock(day: date) -> None:
    aware = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    last = GREAT_BRITAIN.day_of(due_at(aware) - timedelta(microseconds=1))
    days = (day + timedelta(days=n) for n in range(1, (last - day).days + 1))
    assert sum(GREAT_BRITAIN.is_working_day(each) for each in days) == 5
    assert GREAT_BRITAIN.is_working_day(last)


def test_an_event_is_submitted_once_with_its_reference(officer: User, now: datetime) -> None:
    event = draft(officer, now)
    edit_key_event(
        event.pk, replace(TEXT, title="Better"), acting_user=officer, reason=WHY, now=now
    )
    submit_key_event(event.pk, reference="KE-77", acting_user=officer, reason=WHY, now=now)
    event.refresh_from_db()
    assert (event.state, event.title, event.reference) == ("submitted", "Better", "KE-77")
    with pytest.raises(KeyEventStateError):
        edit_key_event(event.pk, TEXT, acting_user=officer, reason=WHY, now=now)
    with pytest.raises(KeyEventStateError):
        submit_key_event(event.pk, reference="KE-78", acting_user=officer, reason=WHY, now=now)
    actions = AuditEntry.objects.filter(action__startswith="compliance.key_event.")
    told = [(entry.action.rpartition(".")[2], entry.reason) for entry in actions.order_by("pk")]
    assert told == [("drafted", ""), ("edited", WHY), ("submitted", WHY)]


def test_who_changes_or_submits_says_why_or_nothing_moves(officer: User, now: datetime) -> None:
    event = draft(officer, now)
    with pytest.raises(ReasonRequiredError):
        edit_key_event(event.pk, replace(TEXT, title="X"), acting_user=officer, reason=" ", now=now)
    with pytest.raises(ReasonRequiredError):
        submit_key_event(event.pk, reference="KE-77", acting_user=officer, reason="", now=now)
    event.refresh_from_db()
    assert (event.state, event.title) == ("draft", "Wrong win shown")


def test_a_late_event_says_why(officer: User, now: datetime) -> None:
    event = draft(officer, now)
    with pytest.raises(KeyEventContentError, match="late"):
        submit_key_event(
            event.pk, reference="KE-77", acting_user=officer, reason=WHY, now=event.due_at
        )
    event.refresh_from_db()
    assert event.state == "draft"
    why = replace(TEXT, late_reason="The supplier told us late.")
    edit_key_event(event.pk, why, acting_user=officer, reason=WHY, now=event.due_at)
    submit_key_event(event.pk, reference="KE-77", acting_user=officer, reason=WHY, now=event.due_at)
    event.refresh_from_db()
    assert event.state == "submitted"


def test_the_box_takes_1500_characters_and_not_one_more(officer: User, now: datetime) -> None:
    just = replace(TEXT, detail="x" * 1489, late_reason="y" * 10)
    assert draft(officer, now, just).detail == "x" * 1489
    with pytest.raises(KeyEventContentError, match="1,501"):
        draft(officer, now, replace(just, detail="x" * 1490))
    with pytest.raises(KeyEventContentError):
        draft(officer, now, replace(TEXT, title=" "))
    with pytest.raises(KeyEventContentError, match="future"):
        draft_key_event(TEXT, aware_at=now + timedelta(seconds=1), acting_user=officer, now=now)
    with pytest.raises(NotAllowedError):
        draft(make_user(), now)
    assert KeyEvent.objects.count() == 1


def test_the_page_says_how_much_is_left(officer: User) -> None:
    monday = datetime(2026, 11, 23, 9, tzinfo=UTC)
    event = draft(officer, monday)
    said = [time_left(event, monday + timedelta(days=days))[0] for days in (0, 1, 4, 7, 8)]
    assert said == [
        "5 working days left",
        "4 working days left",
        "1 working day left",
        "today",
        "late: say why",
    ]
    told = draft(officer, monday, replace(TEXT, late_reason="Told on Tuesday."))
    assert time_left(told, told.due_at) == ("late, with its reason", "danger")


def test_the_database_refuses_it_too(officer: User, now: datetime) -> None:
    event = draft(officer, now)
    rows = KeyEvent.objects.filter(pk=event.pk)
    with pytest.raises(IntegrityError, match="with_a_reference"), transaction.atomic():
        rows.update(state="submitted", submitted_at=now)
    with pytest.raises(IntegrityError, match="late_says_why"), transaction.atomic():
        rows.update(
            state="submitted", submitted_at=event.due_at, submitted_by=officer, reference="x"
        )
    with pytest.raises(ProgrammingError), transaction.atomic():
        rows.update(due_at=event.due_at + timedelta(days=1))
    submit_key_event(event.pk, reference="KE-77", acting_user=officer, reason=WHY, now=now)
    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        rows.update(detail="other")
    with pytest.raises(ProgrammingError, match="Cannot delete"), transaction.atomic():
        rows.delete()


def test_an_officer_drafts_on_the_page(now: datetime, client: Client) -> None:
    sync_roles(now=now)
    client.force_login(make_user("carla", roles=(Role.COMPLIANCE_OFFICER,)))
    page = "/admin/compliance/keyevent/add/"
    fields = {
        "kind": "system_fault",
        "title": "Wrong win shown",
        "detail": "Forty rounds.",
        "aware_at": "2026-11-20T10:00",
    }
    answer = client.post(page, fields, follow=True)
    text = answer.content.decode()
    assert "13 of 1,500 characters." in text
    assert "Record as submitted" in text
    assert client.post(page, {**fields, "aware_at": "2099-01-01T10:00"}).status_code == 200
    event = KeyEvent.objects.get()
    change = f"/admin/compliance/keyevent/{event.pk}/do/edit/"
    assert "Forty rounds." in client.get(change).content.decode()
    edited = {**fields, "detail": "Fifty rounds.", "reason": "Ten more were found."}
    assert client.post(change, edited).status_code == 302
    event.refresh_from_db()
    assert event.detail == "Fifty rounds."
    assert AuditEntry.objects.get(action__endswith="key_event.edited").reason == edited["reason"]
