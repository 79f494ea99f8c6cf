"""What has no renewal is told by mail too: a key event's clock, and a lab's accreditation."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.mail import EmailMessage

from apps.compliance.enums import KeyEventKind
from apps.compliance.models import KeyEvent
from apps.compliance.services.desk import advance_desk
from apps.compliance.services.key_events import KeyEventText, draft_key_event, submit_key_event
from apps.core.models import AuditEntry, OutboxMessage
from apps.providers.models import Certificate, LabAccreditation
from apps.reports import tasks
from apps.staff.models import User
from tests.compliance.makers import make_officer
from tests.factories import MADE_AT, make_cover, make_game, make_provider
from tests.older_schema import schema_at

pytestmark = pytest.mark.django_db

FRIDAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
DRAFTS = ("compliance.draft_keyevent", "compliance.submit_keyevent")
END = date(2027, 1, 10)


def noticed(now: datetime) -> int:
    return advance_desk(now=now, on=now.date()).noticed


def deliver() -> int:
    waiting = OutboxMessage.objects.filter(task="reports.mail_notice", done_at=None)
    messages = list(waiting.order_by("pk"))
    for message in messages:
        tasks.mail_notice(outbox_id=message.pk, **message.payload)
    return len(messages)


@pytest.fixture
def ann() -> User:
    return make_officer("ann", permissions=DRAFTS)


@pytest.fixture
def event(ann: User) -> KeyEvent:
    return draft_key_event(
        KeyEventText(KeyEventKind.RTP_ERROR, "Reef paid too much", "From 10:00 to 11:00 UTC."),
        aware_at=FRIDAY,
        acting_user=ann,
        now=FRIDAY,
    )


def test_a_key_event_is_told_of_with_two_working_days_left_and_once(
    event: KeyEvent, mailoutbox: list[EmailMessage]
) -> None:
    # Five working days after a Friday: the next Friday. Three of them are over on Wednesday.
    assert event.due_at == datetime(2026, 11, 28, tzinfo=UTC)
    turn = datetime(2026, 11, 26, tzinfo=UTC)
    make_officer("bob", permissions=DRAFTS[1:])
    make_officer("eve", permissions=DRAFTS[:1])
    assert noticed(turn - timedelta(seconds=1)) == 0
    assert [noticed(turn), noticed(turn), noticed(turn + timedelta(days=1))] == [1, 0, 0]
    assert (deliver(), deliver()) == (2, 0)
    assert [mail.to for mail in mailoutbox] == [["ann@desk.invalid"], ["bob@desk.invalid"]]
    assert mailoutbox[0].subject == (
        "[Pitboss] Key event due before 2026-11-28 00:00 UTC: Reef paid too much"
    )
    assert f"/admin/compliance/keyevent/{event.pk}/change/" in mailoutbox[0].body
    event.refresh_from_db()
    assert event.reminded_at == turn
    assert AuditEntry.objects.filter(action="compliance.notice.written").count() == 1


@pytest.mark.parametrize("title", ["Reef paid\ntoo much", "Reef\r\nBcc: all@desk.invalid"])
def test_a_break_in_a_title_keeps_no_mail_from_going_out(
    ann: User, mailoutbox: list[EmailMessage], title: str
) -> None:
    text = KeyEventText(KeyEventKind.RTP_ERROR, title, "From 10:00 to 11:00 UTC.")
    draft_key_event(text, aware_at=FRIDAY, acting_user=ann, now=FRIDAY)
    assert noticed(datetime(2026, 11, 26, tzinfo=UTC)) == 1
    assert deliver() == 1
    assert [mail.recipients() for mail in mailoutbox] == [["ann@desk.invalid"]]
    assert mailoutbox[0].subject.endswith(": " + " ".join(title.split()))


def test_a_key_event_that_was_submitted_is_told_of_to_nobody(
    event: KeyEvent, ann: User, mailoutbox: list[EmailMessage]
) -> None:
    turn = datetime(2026, 11, 26, tzinfo=UTC)
    assert noticed(turn) == 1
    submit_key_event(event.pk, reference="GC-1", acting_user=ann, reason="Sent.", now=turn)
    # The mail was on its way when somebody submitted.
    assert (deliver(), mailoutbox) == (1, [])


def test_with_nobody_to_mail_a_key_event_waits_for_the_first_who_has_an_address(
    event: KeyEvent, ann: User
) -> None:
    User.objects.filter(pk=ann.pk).update(email="")
    turn = datetime(2026, 11, 26, tzinfo=UTC)
    assert noticed(turn) == 0
    User.objects.create_superuser("root", "root@desk.invalid")
    assert noticed(turn) == 1


def accredited(until: date, *, since: date = date(2020, 1, 1)) -> LabAccreditation:
    report = Certificate.objects.first()
    assert report is not None
    return LabAccreditation.objects.create(
        lab=report.lab,
        body="UKAS",
        number="1",
        valid_from=since,
        valid_until=until,
        created_at=MADE_AT,
    )


def at(days: int) -> datetime:
    day = END - timedelta(days=days)
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


def test_an_accreditation_that_ends_is_told_of_once_at_each_threshold(
    mailoutbox: list[EmailMessage],
) -> None:
    make_officer("olga")
    make_cover(make_game(make_provider()), expires_on=date(2029, 1, 1))
    accreditation = accredited(END)
    told = [days for days in (91, 90, 89, 60, 31, 30, 14, 7, 6, 1, 0, -1, -2) if noticed(at(days))]
    assert told == [90, 60, 30, 14, 7, 1, -1]
    assert deliver() == 7
    assert mailoutbox[0].to == ["olga@desk.invalid"]
    assert mailoutbox[0].subject == (
        f"[Pitboss] Accreditation UKAS 1 of {accreditation.lab} is valid through 2027-01-10"
    )


def test_an_accreditation_with_the_next_term_on_file_does_not_end() -> None:
    make_officer("olga")
    make_cover(make_game(make_provider()), expires_on=date(2029, 1, 1))
    accredited(END)
    accredited(date(2030, 1, 1), since=END + timedelta(days=1))
    assert [noticed(at(days)) for days in (90, 1, -1)] == [0, 0, 0]


def test_only_the_last_of_a_labs_terms_ends_however_long_it_was_without() -> None:
    make_officer("olga")
    make_cover(make_game(make_provider()), expires_on=date(2029, 1, 1))
    accredited(date(2020, 12, 31), since=date(2019, 1, 1))
    accredited(date(2022, 1, 31), since=date(2021, 2, 1))
    last = accredited(END, since=date(2022, 6, 1))
    assert [noticed(at(days)) for days in (91, 90)] == [0, 1]
    notice = OutboxMessage.objects.get(task="reports.mail_notice")
    assert notice.payload["subject_id"] == last.pk


@pytest.mark.django_db(transaction=True)
def test_of_what_had_ended_before_the_upgrade_nobody_is_told() -> None:
    make_officer("olga")
    make_cover(make_game(make_provider()), expires_on=date(2029, 1, 1))
    long_past = accredited(date(2022, 1, 31))
    with schema_at("providers", "0029_reviews_recorded"):
        pass
    long_past.refresh_from_db()
    assert long_past.told_days == 0
    assert noticed(at(5)) == 0


def lose(person: User, how: str) -> None:
    User.objects.filter(pk=person.pk).update(**{"is_active": False} if how else {"email": ""})


@pytest.mark.parametrize("how", ["account", ""])
def test_a_key_event_whose_people_all_left_before_the_mail_is_told_to_who_came(
    event: KeyEvent, ann: User, mailoutbox: list[EmailMessage], how: str
) -> None:
    turn = datetime(2026, 11, 26, tzinfo=UTC)
    assert noticed(turn) == 1
    lose(ann, how)
    assert (deliver(), mailoutbox) == (1, [])
    # Until somebody can be mailed it waits.
    assert noticed(turn) == 0
    make_officer("bob", permissions=DRAFTS)
    assert (noticed(turn), deliver(), noticed(turn)) == (1, 1, 0)
    assert [mail.to for mail in mailoutbox] == [["bob@desk.invalid"]]


def test_an_accreditation_whose_reader_left_is_told_of_anew_and_one_read_by_another_is_not(
    mailoutbox: list[EmailMessage],
) -> None:
    olga, paul = make_officer("olga"), make_officer("paul")
    make_cover(make_game(make_provider()), expires_on=date(2029, 1, 1))
    accreditation = accredited(END)
    assert noticed(at(90)) == 1
    lose(olga, "account")
    assert (deliver(), noticed(at(89))) == (2, 0)
    assert [mail.to for mail in mailoutbox] == [["paul@desk.invalid"]]
    assert noticed(at(60)) == 1
    lose(paul, "account")
    make_officer("rita")
    assert deliver() == 1
    accreditation.refresh_from_db()
    assert accreditation.told_days is None
    assert (noticed(at(59)), deliver(), noticed(at(58))) == (1, 1, 0)
    assert mailoutbox[1].to == ["rita@desk.invalid"]
