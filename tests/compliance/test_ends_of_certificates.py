"""Each end of a certificate is decided about on its own, and nothing lapses unseen."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from apps.compliance.models import Reminder, Renewal
from apps.compliance.services import renewals
from apps.providers.models import Certificate
from apps.providers.services.certificates import withdraw_certificate
from apps.staff.models import User
from tests.compliance.makers import make_duty, make_officer, make_revision, run_desk
from tests.factories import make_cover, make_game, make_provider
from tests.older_schema import schema_at

pytestmark = pytest.mark.django_db

END = date(2027, 2, 20)


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


def days_before(days: int) -> datetime:
    return at(END - timedelta(days=days))


@pytest.fixture
def olga() -> User:
    officer = make_officer("olga")
    make_duty(officer, make_officer("dan"))
    return officer


def decline(renewal: Renewal, olga: User, now: datetime) -> None:
    renewals.decline_renewal(
        renewal_id=renewal.pk, acting_user=olga, reason="Nothing to renew yet.", now=now
    )


def told_the_owner() -> list[tuple[int, str, int | None]]:
    rows = Reminder.objects.filter(role="owner").order_by("pk")
    return [
        (pk, str(kind), days)
        for pk, kind, days in rows.values_list("renewal_id", "flag__kind", "flag__threshold_days")
    ]


def run_days(first: int, last: int) -> None:
    for days in range(first, last - 1, -1):
        run_desk(days_before(days))


def test_what_was_decided_about_a_review_says_nothing_of_the_expiry(olga: User) -> None:
    certificate = make_cover(make_game(make_provider()), expires_on=END)
    review = date(2026, 11, 10)
    Certificate.objects.filter(pk=certificate.pk).update(review_due_on=review)
    run_desk(at(date(2026, 11, 12)))
    first = Renewal.objects.get()
    assert (first.end_kind, first.ends_on) == ("review", review)
    decline(first, olga, at(date(2026, 11, 13)))
    run_days(91, -2)
    _, second = Renewal.objects.order_by("pk")
    assert (second.end_kind, second.ends_on, second.state) == ("expiry", END, "open")
    assert told_the_owner() == [
        (first.pk, "review_due", None),
        *((second.pk, "expiring", days) for days in (90, 60, 30, 14, 7, 1)),
        (second.pk, "expired", None),
    ]


def test_who_does_not_renew_an_expiry_is_not_asked_again_before_and_after_it(olga: User) -> None:
    make_cover(make_game(make_provider()), expires_on=END)
    run_desk(days_before(80))
    decline(Renewal.objects.get(), olga, days_before(79))
    run_days(78, -3)
    assert Renewal.objects.count() == 1
    assert len(told_the_owner()) == 1


def test_a_successor_that_is_withdrawn_leaves_the_end_to_be_decided_again(olga: User) -> None:
    certificate = make_cover(make_game(make_provider()), expires_on=END)
    run_desk(days_before(80))
    new = make_revision(certificate, effective_on=END - timedelta(days=75))
    run_desk(days_before(74))
    first = Renewal.objects.get()
    assert (first.state, first.successor) == ("done", new)
    withdraw_certificate(
        certificate_id=new.pk, acting_user=olga, reason="By mistake.", now=days_before(70)
    )
    run_days(69, -1)
    _, second = Renewal.objects.order_by("pk")
    assert (second.certificate, second.end_kind, second.ends_on) == (certificate, "expiry", END)
    assert second.state == "open"
    assert [days for pk, _kind, days in told_the_owner() if pk == second.pk] == [
        *(60, 30, 14, 7, 1),
        None,
    ]


OLD_RENEWAL = """
INSERT INTO compliance_renewal (
    certificate_id, state, due_on, lab_contact, opened_at, closed_at, outcome
) VALUES (%s, %s, %s, '', %s, %s, %s)
"""


@pytest.mark.django_db(transaction=True)
def test_a_renewal_from_before_is_about_what_its_certificate_came_to_first(now: datetime) -> None:
    game = make_game(make_provider())
    reviewed, expiring = (make_cover(game, expires_on=END) for _ in range(2))
    review = date(2026, 12, 1)
    Certificate.objects.filter(pk=reviewed.pk).update(review_due_on=review)
    with schema_at("compliance", "0005_certified_play"), connection.cursor() as cursor:
        cursor.execute(
            OLD_RENEWAL, [reviewed.pk, "wont_renew", END, now, now, "Nothing to renew yet."]
        )
        cursor.execute(OLD_RENEWAL, [expiring.pk, "open", END, now, None, ""])
    facts = Renewal.objects.order_by("pk").values_list("certificate_id", "end_kind", "ends_on")
    assert list(facts) == [(reviewed.pk, "review", review), (expiring.pk, "expiry", END)]
