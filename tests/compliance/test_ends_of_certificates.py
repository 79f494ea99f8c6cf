"""Each end of a certificate is decided about on its own, and nothing lapses unseen."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from apps.compliance.contracts import MatrixQuery
from apps.compliance.errors import RenewalStepError, SuccessorRefusedError
from apps.compliance.icalendar import to_ics
from apps.compliance.models import Reminder, Renewal
from apps.compliance.selectors.matrix import matrix_at
from apps.compliance.services import renewals
from apps.compliance.services.reminders import compose_mail
from apps.core.models import AuditEntry
from apps.providers.errors import TimesError
from apps.providers.models import Certificate, CertificateFlag, SupplierChange
from apps.providers.selectors.coverage import cover
from apps.providers.selectors.matrix import desk_dates
from apps.providers.services.builds import Editing, NewBuild, add_build
from apps.providers.services.certificates import withdraw_certificate
from apps.providers.services.scope import invalidate_certificate, recall_certificate, record_review
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
    """Run the desk on the first and last day, and on each between that something is told on."""
    told_on = {days for days in (90, 60, 30, 14, 7, 1, 0, -1) if last < days < first}
    for days in sorted({first, last, *told_on}, reverse=True):
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


@pytest.mark.parametrize("failing", ["result", "scope", "later scope", "expiry"])
def test_a_revision_that_proves_nothing_leaves_the_renewal_open(olga: User, failing: str) -> None:
    game = make_game(make_provider())
    certificate = make_cover(game, expires_on=END)
    run_desk(days_before(80))
    new = make_revision(
        certificate,
        effective_on=END if failing == "later scope" else END - timedelta(days=75),
        games=("aurora-wake",) if "scope" in failing else None,
    )
    changed = Certificate.objects.filter(pk=new.pk)
    if failing == "result":
        changed.update(result="does_not_comply")
    if failing == "expiry":
        changed.update(expires_on=END)
    assert run_desk(days_before(74)).closed == 0
    assert not cover(game.pk, "MT", at(END + timedelta(days=1))).allowed
    run_days(73, -2)
    assert Renewal.objects.filter(certificate=certificate).get().state == "open"
    told = [days for _pk, _kind, days in told_the_owner()]
    if failing == "later scope":
        # The new revision replaces it only on its last day.
        assert told == [90, 60, 30, 14, 7, 1, None]
    assert told[-1] is None


@pytest.mark.parametrize("failing", ["result", "expiry", "gap", "place"])
def test_a_new_report_that_covers_nothing_is_refused_and_the_reminders_go_on(
    olga: User, failing: str
) -> None:
    game = make_game(make_provider())
    make_cover(game, expires_on=END)
    run_desk(days_before(80))
    new = make_cover(game, "GB" if failing == "place" else "MT", expires_on=date(2029, 1, 1))
    failures: dict[str, dict[str, Any]] = {
        "result": {"result": "does_not_comply"},
        "expiry": {"expires_on": date(2026, 6, 1)},
        "gap": {"effective_on": END + timedelta(days=30)},
        "place": {},
    }
    Certificate.objects.filter(pk=new.pk).update(**failures[failing])
    renewal = Renewal.objects.get()
    with pytest.raises(SuccessorRefusedError, match="2027-02-21"):
        renewals.complete_renewal(
            renewal_id=renewal.pk,
            successor_id=new.pk,
            acting_user=olga,
            reason="The new one is here.",
            now=days_before(70),
        )
    renewal.refresh_from_db()
    assert (renewal.state, renewal.successor) == ("open", None)
    run_days(70, 1)
    told = [days for pk, _kind, days in told_the_owner() if pk == renewal.pk]
    assert told == [90, 60, 30, 14, 7, 1]


def test_the_renewal_names_the_offers_that_hang_on_it(olga: User) -> None:
    make_cover(make_game(make_provider(), offered_in=("MT", "GB")), expires_on=END)
    run_desk(days_before(80))
    reader = make_officer("reader", permissions=("compliance.view_renewal",))
    browser = Client()
    page = reverse("admin:compliance_renewal_change", args=[Renewal.objects.get().pk])
    with time_machine.travel(days_before(79), tick=False):
        browser.force_login(reader, backend="django.contrib.auth.backends.ModelBackend")
        text = browser.get(page).content.decode()
    assert "1 offer, judged on 2027-02-21" in text
    assert "was valid through 2027-02-20." in text


def test_old_reports_of_a_game_that_is_covered_anyway_are_nobodys_work(olga: User) -> None:
    game = make_game(make_provider())
    for year in range(2020, 2025):
        old = make_cover(game)
        Certificate.objects.filter(pk=old.pk).update(
            issued_on=date(year, 1, 1),
            effective_on=date(year, 1, 1),
            expires_on=date(year + 1, 1, 1),
        )
    current = make_cover(game, expires_on=END)
    run_desk(days_before(120))
    assert CertificateFlag.objects.filter(kind="expired").count() == 5
    assert [one.certificate for one in Renewal.objects.all()] == []
    # The end of the one that counts is told of, and past it the old ones still hang on nothing.
    for days in (90, -3):
        run_desk(days_before(days))
        assert [one.certificate for one in Renewal.objects.all()] == [current]
    assert {str(one.renewal.certificate) for one in Reminder.objects.all()} == {str(current)}


def test_a_recall_dated_ahead_is_told_of_before_and_after_its_day(olga: User) -> None:
    certificate = make_cover(make_game(make_provider()), expires_on=date(2029, 1, 1))
    day = date(2026, 12, 20)
    why = Editing(olga, "The lab says so.", at(date(2026, 12, 1)))
    recall_certificate(certificate_id=certificate.pk, on=day, editing=why)
    for days in (19, 14, 13, 2, 1, 0, -1):
        run_desk(at(day - timedelta(days=days)))
    renewal = Renewal.objects.get()
    assert (renewal.end_kind, renewal.ends_on) == ("recall", day)
    assert told_the_owner() == [
        *((renewal.pk, "recalling", days) for days in (30, 14, 1)),
        (renewal.pk, "recalled", None),
    ]
    assert compose_mail(Reminder.objects.order_by("pk")[0]).subject == (
        f"[Pitboss] {certificate} is recalled from 2026-12-20"
    )
    [one] = desk_dates(day, day)
    assert (one.kind, one.certificate_id) == ("recalled", certificate.pk)


def test_an_end_that_another_report_covers_is_told_to_nobody(olga: User) -> None:
    game = make_game(make_provider())
    make_cover(game, expires_on=END)
    longer = make_cover(game, expires_on=END + timedelta(days=400))
    run_days(90, 60)
    assert (Renewal.objects.count(), Reminder.objects.count()) == (0, 0)
    withdraw_certificate(
        certificate_id=longer.pk, acting_user=olga, reason="Recalled.", now=days_before(59)
    )
    run_desk(days_before(59))
    assert [days for _pk, _kind, days in told_the_owner()] == [60]


def test_an_end_by_a_change_is_told_of_before_and_after_it(olga: User) -> None:
    game = make_game(make_provider())
    certificate = make_cover(game, expires_on=date(2029, 1, 1))
    day = date(2026, 12, 20)
    decided = at(date(2026, 11, 20))
    why = Editing(olga, "The RNG is another.", decided)
    builds = [add_build(NewBuild(game.pk, version), why) for version in ("1.0", "2.0")]
    change = SupplierChange.objects.create(
        from_build=builds[0],
        to_build=builds[1],
        classification="major",
        rationale="The RNG is another.",
        decided_at=decided,
    )
    invalidate_certificate(certificate_id=certificate.pk, change_id=change.pk, on=day, editing=why)
    for days in (29, 15, 14, 8, 2, 1, 0, -1):
        run_desk(at(day - timedelta(days=days)))
    renewal = Renewal.objects.get()
    assert (renewal.end_kind, renewal.ends_on, renewal.due_on) == ("invalidation", day, day)
    assert told_the_owner() == [
        *((renewal.pk, "invalidating", days) for days in (30, 14, 7, 1)),
        (renewal.pk, "invalidated", None),
    ]
    assert compose_mail(Reminder.objects.order_by("pk")[0]).subject == (
        f"[Pitboss] {certificate} covers nothing from 2026-12-20"
    )
    [one] = desk_dates(day, day)
    assert (one.kind, one.certificate_id) == ("invalidated", certificate.pk)
    assert b"covers nothing from this day" in to_ics([one], domain="desk.invalid", stamp=decided)


def test_a_report_of_the_rng_is_renewed_by_a_revision_of_its_scope(olga: User) -> None:
    rng = make_cover(make_game(make_provider(), offered_in=()), expires_on=END)
    Certificate.objects.filter(pk=rng.pk).update(kind="rng")
    run_desk(days_before(80))
    assert Renewal.objects.get().certificate == rng
    narrower = make_revision(rng, effective_on=END, games=("aurora-wake",))
    assert run_desk(days_before(79)).closed == 0
    new = make_revision(narrower, effective_on=END, games=("aurora-reef", "aurora-wake"))
    assert run_desk(days_before(78)).closed == 1
    assert Renewal.objects.get().successor == new


def reviewed_report(due_on: date) -> Certificate:
    certificate = make_cover(make_game(make_provider()))
    Certificate.objects.filter(pk=certificate.pk).update(expires_on=None, review_due_on=due_on)
    certificate.refresh_from_db()
    return certificate


def test_a_review_is_recorded_with_the_next_and_counts_down_anew(olga: User, now: datetime) -> None:
    certificate = reviewed_report(date(2026, 11, 1))
    run_desk(now)
    renewal = Renewal.objects.get()
    assert cell_states(now) == ["review_overdue"]
    next_on = date(2027, 11, 1)
    for refused in (date(2026, 11, 1), now.date()):
        with pytest.raises(TimesError):
            review(renewal, refused, olga, now)
    renewal.refresh_from_db()
    assert renewal.state == "open"
    review(renewal, next_on, olga, now)
    renewal.refresh_from_db()
    certificate.refresh_from_db()
    assert (renewal.state, certificate.review_due_on) == ("reviewed", next_on)
    assert renewal.outcome == "The lab confirms it. Next review on 2027-11-01."
    [change] = certificate.history.filter(history_change_reason="The lab confirms it.")
    assert (change.history_user, change.review_due_on) == (olga, next_on)
    assert AuditEntry.objects.filter(action="providers.certificate.reviewed").count() == 1
    assert cell_states(now) == ["covered"]
    run_desk(now + timedelta(days=200))
    assert Renewal.objects.count() == 1
    run_desk(at(next_on - timedelta(days=90)))
    second = Renewal.objects.latest("pk")
    assert (second.state, second.ends_on) == ("open", next_on)
    assert told_the_owner()[-1] == (second.pk, "review_due", 90)


def cell_states(now: datetime) -> list[str]:
    rows = matrix_at(now, MatrixQuery()).rows
    return [cell.state for row in rows for cell in row.cells.values()]


def review(renewal: Renewal, next_on: date, officer: User, now: datetime) -> Renewal:
    return renewals.record_review(
        renewal_id=renewal.pk,
        next_on=next_on,
        acting_user=officer,
        reason="The lab confirms it.",
        now=now,
    )


def test_a_review_recorded_in_the_register_ends_its_work_item(olga: User, now: datetime) -> None:
    certificate = reviewed_report(date(2026, 12, 1))
    run_desk(now)
    record_review(
        certificate.pk,
        next_on=date(2027, 12, 1),
        editing=Editing(olga, "The lab confirms it.", now),
    )
    assert run_desk(now).closed == 1
    renewal = Renewal.objects.get()
    assert (renewal.state, renewal.successor) == ("reviewed", None)
    assert run_desk(now + timedelta(days=2)).opened == 0


def test_only_a_review_is_over_by_being_reviewed(olga: User) -> None:
    make_cover(make_game(make_provider()), expires_on=END)
    run_desk(days_before(30))
    renewal = Renewal.objects.get()
    with pytest.raises(RenewalStepError):
        review(renewal, END, olga, days_before(29))
    with (
        pytest.raises(IntegrityError, match="reviewed_where_a_review_was_due"),
        transaction.atomic(),
    ):
        Renewal.objects.filter(pk=renewal.pk).update(
            state="reviewed", closed_at=days_before(29), outcome="Looked at."
        )
    with (
        pytest.raises(IntegrityError, match="providers_flag_of_an_end_names_its_day"),
        transaction.atomic(),
    ):
        CertificateFlag.objects.create(
            certificate=renewal.certificate,
            kind="expired",
            flagged_on=END,
            created_at=days_before(30),
        )


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
