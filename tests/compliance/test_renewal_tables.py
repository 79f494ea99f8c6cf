"""What the database itself refuses about renewals, whoever writes."""

from datetime import date, datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.utils import InternalError, ProgrammingError

from apps.compliance.enums import CLOSED_RENEWALS, RENEWAL_STEPS, RenewalState
from apps.compliance.models import DeskDuty, Renewal, RenewalNote
from apps.providers.models import Certificate
from tests.factories import make_cover, make_game, make_provider, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def certificate() -> Certificate:
    return make_cover(make_game(make_provider()))


def renewal_of(certificate: Certificate, now: datetime, **facts: Any) -> Renewal:
    end = date(2027, 6, 30)
    about = {"end_kind": "expiry", "ends_on": end, "due_on": end, "opened_at": now}
    return Renewal.objects.create(certificate=certificate, **{**about, **facts})


def assert_refused(name: str, change: Any) -> None:
    with (
        pytest.raises((IntegrityError, InternalError, ProgrammingError), match=name),
        transaction.atomic(),
    ):
        change()


def test_a_certificate_has_one_open_renewal(certificate: Certificate, now: datetime) -> None:
    renewal_of(certificate, now)
    assert_refused(
        "compliance_renewal_one_open_per_certificate", lambda: renewal_of(certificate, now)
    )
    assert Renewal.objects.count() == 1


def test_it_is_about_an_end_that_never_changes(certificate: Certificate, now: datetime) -> None:
    renewal = renewal_of(certificate, now)
    assert_refused(
        "subject_never_changes|Cannot update",
        lambda: Renewal.objects.filter(pk=renewal.pk).update(ends_on=date(2027, 7, 1)),
    )
    Renewal.objects.filter(pk=renewal.pk).update(
        state=RenewalState.WONT_RENEW, closed_at=now, outcome="Delisted."
    )
    assert_refused(
        "compliance_renewal_end_kind_is_known",
        lambda: renewal_of(certificate, now, end_kind="whim"),
    )


def test_it_is_done_by_a_successor_that_is_another_certificate(
    certificate: Certificate, now: datetime
) -> None:
    renewal = renewal_of(certificate, now)
    same = Renewal.objects.filter(pk=renewal.pk)
    ended = {"closed_at": now, "outcome": "Rev 2 is here."}
    assert_refused(
        "compliance_renewal_done_by_a_successor",
        lambda: same.update(state=RenewalState.DONE, **ended),
    )
    assert_refused(
        "compliance_renewal_successor_is_another_certificate",
        lambda: same.update(state=RenewalState.DONE, successor=certificate, **ended),
    )
    assert_refused(
        "compliance_renewal_closed_with_time_and_outcome",
        lambda: same.update(state=RenewalState.WONT_RENEW),
    )
    renewal.refresh_from_db()
    assert renewal.state == RenewalState.OPEN


def test_owner_and_deputy_are_two_people(certificate: Certificate, now: datetime) -> None:
    one = make_user()
    assert_refused(
        "compliance_renewal_deputy_is_a_second_person",
        lambda: renewal_of(certificate, now, owner=one, deputy=one),
    )
    assert_refused(
        "compliance_duty_deputy_is_a_second_person",
        lambda: DeskDuty.objects.create(owner=one, deputy=one),
    )


def test_one_duty_is_for_every_other_provider() -> None:
    DeskDuty.objects.create(owner=make_user())
    assert_refused(
        "compliance_duty_once_per_provider", lambda: DeskDuty.objects.create(owner=make_user())
    )


@pytest.mark.parametrize("start", list(RenewalState))
@pytest.mark.parametrize("end", list(RenewalState))
def test_the_database_knows_the_same_steps_as_the_table(
    certificate: Certificate, now: datetime, start: RenewalState, end: RenewalState
) -> None:
    successor = make_cover(make_game(make_provider("borealis"), "borealis-wake"))

    def facts(state: RenewalState) -> dict[str, Any]:
        is_closed = state in CLOSED_RENEWALS
        return {
            "state": state,
            "closed_at": now if is_closed else None,
            "outcome": "It is over." if is_closed else "",
            "successor": successor if state == RenewalState.DONE else None,
        }

    about = {"end_kind": "review"}
    renewal = renewal_of(certificate, now, **about, **facts(start))
    same = Renewal.objects.filter(pk=renewal.pk)
    if end in RENEWAL_STEPS[start] or (start == end and start not in CLOSED_RENEWALS):
        assert same.update(**facts(end)) == 1
    else:
        assert_refused("Invalid transition|Cannot update", lambda: same.update(**facts(end)))


def test_notes_are_only_added_to(certificate: Certificate, now: datetime) -> None:
    renewal = renewal_of(certificate, now)
    note = RenewalNote.objects.create(
        renewal=renewal, kind="note", body="Called the lab.", created_at=now
    )
    assert_refused("append_only", lambda: RenewalNote.objects.filter(pk=note.pk).update(body="x"))
    assert_refused("append_only", lambda: RenewalNote.objects.filter(pk=note.pk).delete())
    assert RenewalNote.objects.get().body == "Called the lab."
