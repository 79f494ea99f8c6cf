"""Whoever has a certificate's renewal hears of its end in time, once, and so does the deputy."""

from datetime import UTC, date, datetime, timedelta
from smtplib import SMTPServerDisconnected

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.db import IntegrityError, connection, transaction
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from apps.compliance.enums import ReminderRole
from apps.compliance.errors import MailNotSentError
from apps.compliance.home import unmailed_card
from apps.compliance.models import Reminder, Renewal
from apps.compliance.services import renewals
from apps.compliance.services.desk import advance_desk
from apps.compliance.services.reminders import escalate_silence, grace, mail_reminder
from apps.compliance.tasks import advance_desk as desk_task
from apps.core.models import OutboxMessage
from apps.providers.models import Certificate
from apps.providers.services.check_certificates import check_certificates
from apps.providers.tasks import check_certificates as check_task
from apps.staff.models import User
from tests.compliance.makers import (
    deliver_reminders,
    make_duty,
    make_officer,
    make_revision,
    run_desk,
)
from tests.factories import make_cover, make_game, make_provider
from tests.races import race

pytestmark = pytest.mark.django_db

END = date(2027, 2, 20)


def at(day: date, hour: int = 4) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def days_before(days: int) -> datetime:
    return at(END - timedelta(days=days))


@pytest.fixture
def owner() -> User:
    return make_officer("olga")


@pytest.fixture
def deputy() -> User:
    return make_officer("dan")


@pytest.fixture
def certificate(owner: User, deputy: User) -> Certificate:
    make_duty(owner, deputy)
    return make_cover(make_game(make_provider()), expires_on=END)


def told() -> list[tuple[str, str, int | None]]:
    rows = Reminder.objects.order_by("pk").values_list(
        "recipient__username", "role", "flag__threshold_days"
    )
    return [(str(name), str(role), days) for name, role, days in rows]


def test_an_end_opens_a_renewal_and_reminds_its_owner_by_mail(
    certificate: Certificate, owner: User, deputy: User, mailoutbox: list[EmailMessage]
) -> None:
    run = run_desk(days_before(90))
    assert (run.opened, run.reminded, run.escalated) == (1, 1, 0)
    renewal = Renewal.objects.get()
    assert (renewal.certificate, renewal.owner, renewal.deputy) == (certificate, owner, deputy)
    assert (renewal.state, renewal.due_on) == ("open", END)
    assert deliver_reminders() == 1
    [mail] = mailoutbox
    assert mail.to == ["olga@desk.invalid"]
    assert mail.subject == f"[Pitboss] {certificate} is valid through 2027-02-20"
    assert "\nGames: aurora-reef\n" in mail.body
    assert "From the day after, what it alone covers can't be launched." in mail.body
    assert f"/admin/compliance/renewal/{renewal.pk}/change/" in mail.body
    reminder = Reminder.objects.get()
    assert reminder.sent_at is not None
    client = Client()
    client.force_login(make_officer("reader", permissions=("compliance.view_reminder",)))
    page = client.get(f"/admin/compliance/reminder/{reminder.pk}/change/").content.decode()
    assert escape(f"Subject: {mail.subject}\n\n{mail.body}") in page


@pytest.mark.parametrize("kind", ["rng", "platform"])
def test_the_mail_about_a_report_that_covers_no_game_threatens_no_game(
    certificate: Certificate, mailoutbox: list[EmailMessage], kind: str
) -> None:
    Certificate.objects.filter(pk=certificate.pk).update(kind=kind, all_games=True)
    run_desk(days_before(90))
    deliver_reminders()
    [mail] = mailoutbox
    assert "\nGames: all of the provider\n" in mail.body
    assert "It covers no game by itself, so no launch hangs on it" in mail.body
    assert "launched" not in mail.body


def test_each_threshold_reminds_once_however_often_the_desk_runs(
    certificate: Certificate, owner: User, mailoutbox: list[EmailMessage]
) -> None:
    day = days_before(100)
    while day <= at(END + timedelta(days=3)):
        run_desk(day)
        advance_desk(now=day, on=day.date())
        for renewal in Renewal.objects.all():
            renewals.acknowledge_renewal(
                renewal_id=renewal.pk, acting_user=owner, reason="", now=day
            )
        day += timedelta(days=1)
    owners = [("olga", "owner", days) for days in (90, 60, 30, 14, 7, 1, None)]
    # Past the end nobody waits for the owner any more.
    assert told() == [*owners, ("dan", "deputy", None)]
    assert deliver_reminders() == 8
    assert deliver_reminders() == 0
    assert len(mailoutbox) == 8


def test_a_late_start_says_the_nearest_threshold_only(certificate: Certificate) -> None:
    for days in (60, 30):
        check_only(days_before(days))
    advance_desk(now=days_before(30), on=days_before(30).date())
    assert told() == [("olga", "owner", 30)]


def check_only(now: datetime) -> None:
    check_certificates(on=now.date(), now=now, is_recorded=True)


@pytest.mark.parametrize(
    ("moment", "threshold"),
    [
        # Midnight in Malta is at 23:00 by UTC.
        ("2026-11-21T22:59:59+00:00", None),
        ("2026-11-21T23:00:00+00:00", 90),
        ("2027-02-19T22:59:59+00:00", 1),
        ("2027-02-19T23:00:00+00:00", 1),
        ("2027-02-20T22:59:59+00:00", 1),
    ],
)
def test_the_tasks_look_at_the_day_on_both_sides_of_midnight(
    certificate: Certificate, moment: str, threshold: int | None
) -> None:
    with time_machine.travel(datetime.fromisoformat(moment), tick=False):
        check_task()
        desk_task()
    expected = [] if threshold is None else [threshold]
    # The nearest threshold also goes to the deputy once its grace of half a day is over.
    assert [days for _name, role, days in told() if role == "owner"] == expected


def test_a_silent_owner_is_escalated_to_the_deputy_once(
    certificate: Certificate, mailoutbox: list[EmailMessage]
) -> None:
    start = days_before(30)
    run_desk(start)
    almost = start + timedelta(days=3) - timedelta(seconds=1)
    assert advance_desk(now=almost, on=almost.date()).escalated == 0
    late = start + timedelta(days=3)
    assert advance_desk(now=late, on=late.date()).escalated == 1
    assert advance_desk(now=late, on=late.date()).escalated == 0
    assert told() == [("olga", "owner", 30), ("dan", "deputy", 30)]
    deliver_reminders()
    assert mailoutbox[1].to == ["dan@desk.invalid"]
    assert "Its owner has not acknowledged the reminder" in mailoutbox[1].body


def test_many_silent_owners_cost_no_more_questions_than_one(owner: User, deputy: User) -> None:
    make_duty(owner, deputy)
    provider = make_provider()

    def silence(games: range, start: datetime) -> int:
        for number in games:
            make_cover(make_game(provider, f"aurora-{number}"), expires_on=END)
        run_desk(start)
        late = start + timedelta(days=3)
        with CaptureQueriesContext(connection) as asked:
            assert escalate_silence(now=late) == len(games)
        assert escalate_silence(now=late) == 0
        return len(asked)

    assert silence(range(1), days_before(30)) == silence(range(1, 9), days_before(29))
    assert [role for _name, role, _days in told()].count("deputy") == 9
    assert OutboxMessage.objects.filter(task="reports.mail_reminder").count() == len(told())


def test_who_acknowledges_is_not_escalated_until_the_next_threshold(
    certificate: Certificate, owner: User
) -> None:
    run_desk(days_before(30))
    renewal = Renewal.objects.get()
    renewals.acknowledge_renewal(
        renewal_id=renewal.pk,
        acting_user=owner,
        reason="",
        now=days_before(30) + timedelta(hours=1),
    )
    run_desk(days_before(20))
    assert told() == [("olga", "owner", 30)]
    run_desk(days_before(14))
    run_desk(days_before(11))
    assert told()[1:] == [("olga", "owner", 14), ("dan", "deputy", 14)]


def test_the_nearer_the_end_the_shorter_the_silence() -> None:
    assert grace(90, 3) == timedelta(days=3)
    assert grace(7, 5) == timedelta(days=3, hours=12)
    assert grace(1, 3) == timedelta(hours=12)
    assert grace(None, 3) == timedelta(0)


def test_without_an_owner_the_whole_desk_is_told() -> None:
    make_officer("ann")
    make_officer("bob")
    make_officer("eve", permissions=("compliance.view_renewal",))
    make_cover(make_game(make_provider()), expires_on=END)
    assert run_desk(days_before(7)).reminded == 2
    assert told() == [("ann", "desk", 7), ("bob", "desk", 7)]


def test_with_nobody_on_the_desk_the_reminder_waits_for_the_first_who_comes() -> None:
    make_cover(make_game(make_provider()), expires_on=END)
    assert run_desk(days_before(7)).reminded == 0
    assert OutboxMessage.objects.filter(topic__startswith="compliance.").count() == 0
    make_officer("ann")
    assert run_desk(days_before(7)).reminded == 1


def test_an_owner_who_left_does_not_keep_the_reminder_to_himself(
    certificate: Certificate, owner: User
) -> None:
    owner.is_active = False
    owner.save(update_fields=["is_active"])
    run_desk(days_before(30))
    assert told() == [("dan", "desk", 30)]


def test_a_mail_server_that_is_away_loses_nothing_and_repeats_nothing(
    certificate: Certificate, mailoutbox: list[EmailMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_desk(days_before(30))

    def refuse(_self: EmailMessage) -> None:
        raise SMTPServerDisconnected

    with monkeypatch.context() as away:
        away.setattr(EmailMessage, "send", refuse)
        with pytest.raises(MailNotSentError):
            deliver_reminders()
    assert Reminder.objects.get().sent_at is None
    assert OutboxMessage.objects.get(task="reports.mail_reminder").done_at is None
    assert deliver_reminders() == 1
    message = OutboxMessage.objects.get(task="reports.mail_reminder")
    for _ in range(2):
        mail_reminder(outbox_id=message.pk, now=days_before(30), **message.payload)
    assert len(mailoutbox) == 1


def test_a_crash_between_mail_and_mark_mails_again_under_the_same_id(
    certificate: Certificate, mailoutbox: list[EmailMessage]
) -> None:
    run_desk(days_before(30))
    deliver_reminders()
    # As if the process had died before the mark was written.
    Reminder.objects.update(sent_at=None)
    OutboxMessage.objects.filter(task="reports.mail_reminder").update(done_at=None)
    deliver_reminders()
    first, second = mailoutbox
    assert first.extra_headers["Message-ID"] == second.extra_headers["Message-ID"]


def test_who_has_no_mail_address_is_named_as_a_problem_and_the_desk_is_told_at_once(
    certificate: Certificate, owner: User, mailoutbox: list[EmailMessage]
) -> None:
    without_address(owner)
    make_officer("third")
    without_address(make_officer("fourth"))
    run_desk(days_before(30))
    assert deliver_reminders() == 1
    assert mailoutbox == []
    assert Reminder.objects.get(role="owner").problem == "The account has no mail address."
    assert told()[1:] == [("dan", "instead", 30), ("third", "instead", 30)]
    assert deliver_reminders() == 2
    assert [mail.to for mail in mailoutbox] == [["dan@desk.invalid"], ["third@desk.invalid"]]
    assert "Whoever it was for has no account or address" in mailoutbox[0].body
    advance_desk(now=days_before(20), on=days_before(20).date())
    assert deliver_reminders() == 0


def without_address(*people: User) -> None:
    User.objects.filter(pk__in=[person.pk for person in people]).update(email="")


def test_a_desk_without_any_address_leaves_it_to_the_administrators(
    certificate: Certificate, owner: User, deputy: User, mailoutbox: list[EmailMessage]
) -> None:
    without_address(owner, deputy)
    root = User.objects.create_superuser("root", "root@desk.invalid")
    run_desk(days_before(30))
    deliver_reminders()
    deliver_reminders()
    assert [mail.to for mail in mailoutbox] == [["root@desk.invalid"]]
    assert told()[-1] == (root.username, "instead", 30)


def test_the_home_page_names_whom_nobody_could_mail(certificate: Certificate, owner: User) -> None:
    without_address(owner)
    run_desk(days_before(30))
    deliver_reminders()
    [row] = unmailed_card(HttpRequest()).rows
    assert (row.title, row.meta) == (f"olga: {certificate}", "The account has no mail address.")
    reader = make_officer("reader", permissions=("compliance.view_reminder",))
    browser = Client()
    browser.force_login(reader, backend="django.contrib.auth.backends.ModelBackend")
    page = browser.get("/admin/compliance/reminder/", {"problem": "yes"}).content.decode()
    assert "The account has no mail address." in page
    renewals.decline_renewal(
        renewal_id=Renewal.objects.get().pk,
        acting_user=make_officer("third"),
        reason="The game is delisted.",
        now=days_before(29),
    )
    assert unmailed_card(HttpRequest()).rows == ()


def test_channels_hear_of_a_threshold_once_and_of_no_person(certificate: Certificate) -> None:
    run_desk(days_before(30))
    run_desk(days_before(20))
    [message] = OutboxMessage.objects.filter(topic="compliance.certificate_lapsing")
    assert message.task == "reports.raise_alert"
    assert message.payload == {
        "certificate_id": certificate.pk,
        "report": str(certificate),
        "what": "is valid through 2027-02-20",
        "ends_on": "2027-02-20",
        "threshold_days": 30,
    }


def test_a_revision_in_time_closes_the_renewal_and_ends_the_reminders(
    certificate: Certificate,
) -> None:
    run_desk(days_before(30))
    new = make_revision(certificate, effective_on=days_before(20).date())
    assert run_desk(days_before(19)).closed == 1
    renewal = Renewal.objects.get()
    assert (renewal.state, renewal.successor) == ("done", new)
    run_desk(days_before(7))
    assert [days for _n, role, days in told() if role == "owner"] == [30]


def test_a_revision_that_leaves_a_gap_leaves_the_renewal_open(certificate: Certificate) -> None:
    run_desk(days_before(30))
    make_revision(certificate, effective_on=END + timedelta(days=2))
    assert run_desk(days_before(7)).closed == 0
    make_revision(Certificate.objects.order_by("-revision")[0], effective_on=END)
    assert run_desk(days_before(6)).closed == 1


def test_the_database_knows_a_person_is_reminded_of_a_flag_once(certificate: Certificate) -> None:
    run_desk(days_before(30))
    again = Reminder.objects.get()
    with pytest.raises(IntegrityError, match="once_per_flag_and_person"), transaction.atomic():
        Reminder.objects.create(
            renewal=again.renewal,
            flag=again.flag,
            recipient=again.recipient,
            role=ReminderRole.DESK,
            created_at=again.created_at,
        )


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_desks_at_once_open_and_remind_once(owner: User, deputy: User) -> None:
    make_duty(owner, deputy)
    game = make_game(make_provider())
    for _ in range(5):
        make_cover(game, expires_on=END)
    check_only(days_before(30))
    now = days_before(30)

    outcomes = race([lambda: advance_desk(now=now, on=now.date()) for _ in range(4)])
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    advance_desk(now=now, on=now.date())
    assert Renewal.objects.count() == 5
    assert Reminder.objects.count() == 5
    assert OutboxMessage.objects.filter(task="reports.mail_reminder").count() == 5
    assert OutboxMessage.objects.filter(topic="compliance.certificate_lapsing").count() == 5
