"""A person's own calendar reads the desk's dates by a private address, until it is revoked."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from apps.compliance.errors import NotAllowedError
from apps.compliance.icalendar import to_ics
from apps.compliance.models import CalendarFeed
from apps.compliance.services.feeds import digest_of, make_feed, revoke_feed
from apps.core.models import AuditEntry
from apps.providers.models import LabAccreditation
from apps.providers.selectors.matrix import DeskDate, desk_dates
from apps.staff.models import User
from tests.compliance.makers import make_officer
from tests.factories import MADE_AT, make_cover, make_game, make_provider, make_user

SEES = ("compliance.view_deskcalendar",)


@pytest.fixture
def officer(db: None) -> User:
    return make_officer("olga", permissions=SEES)


def read(token: str, **headers: str) -> tuple[int, str]:
    answer = Client().get(reverse("calendar_feed"), {"token": token})
    return answer.status_code, answer.content.decode()


def unfolded(text: str) -> list[str]:
    return text.replace("\r\n ", "").split("\r\n")


def test_the_address_gives_the_dates_and_no_person(officer: User, now: datetime) -> None:
    certificate = make_cover(make_game(make_provider()))
    LabAccreditation.objects.create(
        lab=certificate.lab,
        body="SWEDAC, Borås",
        number="1002",
        valid_from=date(2024, 1, 1),
        valid_until=date(2027, 2, 1),
        created_at=MADE_AT,
    )
    token = make_feed(person=officer, now=now).token
    with time_machine.travel(now, tick=False):
        status, text = read(token)
    assert status == 200
    lines = unfolded(text)
    assert f"SUMMARY:{certificate}: last day of validity" in lines
    assert "DTSTART;VALUE=DATE:20270630" in lines
    assert "DTEND;VALUE=DATE:20270701" in lines
    assert f"UID:certificate-{certificate.pk}-expires@localhost" in lines
    assert "SUMMARY:SWEDAC\\, Borås 1002: accreditation ends" in lines
    assert "olga" not in text
    assert CalendarFeed.objects.get().last_read_at == now


def test_each_term_of_an_accreditation_is_an_event_of_its_own(db: None) -> None:
    lab = make_cover(make_game(make_provider())).lab
    terms = [
        LabAccreditation.objects.create(
            lab=lab,
            body="UKAS",
            number="1002",
            valid_from=date(year, 1, 1),
            valid_until=date(year, 12, 31),
            created_at=MADE_AT,
        )
        for year in (2028, 2029)
    ]
    raw = to_ics(
        desk_dates(date(2028, 1, 1), date(2029, 12, 31)),
        domain="desk.invalid",
        stamp=datetime(2026, 11, 22, tzinfo=UTC),
    )
    uids = [line for line in unfolded(raw.decode()) if line.startswith("UID:")]
    assert uids == [f"UID:lab-accreditation-{term.pk}-accreditation@desk.invalid" for term in terms]


def test_only_the_hash_is_kept_and_a_wrong_token_reads_nothing(
    officer: User, now: datetime
) -> None:
    made = make_feed(person=officer, now=now)
    assert made.feed.digest == digest_of(made.token)
    assert made.token not in str(list(CalendarFeed.objects.values()))
    for wrong in ("", made.feed.digest, made.token[:-1], made.token + "x"):
        assert read(wrong)[0] == 404
    assert Client().post(f"{reverse('calendar_feed')}?token={made.token}").status_code == 405


def test_a_new_address_ends_the_old_and_revoking_ends_it_for_good(
    officer: User, now: datetime
) -> None:
    old = make_feed(person=officer, now=now).token
    new = make_feed(person=officer, now=now).token
    assert (read(old)[0], read(new)[0]) == (404, 200)
    assert revoke_feed(person=officer, now=now)
    assert not revoke_feed(person=officer, now=now)
    assert read(new)[0] == 404
    assert AuditEntry.objects.filter(action__startswith="compliance.feed.").count() == 4


def test_who_loses_the_right_or_the_account_reads_nothing_more(
    officer: User, now: datetime
) -> None:
    token = make_feed(person=officer, now=now).token
    officer.is_active = False
    officer.save(update_fields=["is_active"])
    assert read(token)[0] == 404
    officer.is_active = True
    officer.save(update_fields=["is_active"])
    officer.user_permissions.clear()
    assert read(token)[0] == 404
    with pytest.raises(NotAllowedError):
        make_feed(person=make_user(), now=now)


def test_the_database_keeps_one_live_address_a_person(officer: User, now: datetime) -> None:
    make_feed(person=officer, now=now)
    with pytest.raises(IntegrityError, match="one_live_per_person"), transaction.atomic():
        CalendarFeed.objects.create(person=officer, digest="0" * 64, created_at=now)


def test_the_month_shows_what_falls_into_it(officer: User) -> None:
    certificate = make_cover(make_game(make_provider()))
    browser = Client()
    browser.force_login(officer, backend="django.contrib.auth.backends.ModelBackend")
    page = reverse("admin:compliance_deskcalendar_changelist")
    june = browser.get(page, {"month": "2027-06"}).content.decode()
    assert str(certificate) in june
    assert "last day of validity" in june
    assert (
        "Nothing begins, ends or is due" in browser.get(page, {"month": "2027-09"}).content.decode()
    )
    assert browser.get(page, {"month": "nonsense"}).status_code == 200
    made = browser.post(reverse("admin:compliance_deskcalendar_address"))
    assert "/calendar.ics?token=" in made.content.decode()
    assert browser.get(reverse("admin:compliance_deskcalendar_address")).status_code == 405
    browser.post(reverse("admin:compliance_deskcalendar_revoke"))
    assert CalendarFeed.objects.get().revoked_at is not None


@pytest.mark.django_db
def test_both_ends_of_the_span_belong_to_it() -> None:
    make_cover(make_game(make_provider()))
    end = date(2027, 6, 30)
    day = timedelta(days=1)
    assert [one.kind for one in desk_dates(end, end)] == ["expires"]
    assert desk_dates(end + day, end + 9 * day) == []
    assert desk_dates(end - 9 * day, end - day) == []


@given(
    st.lists(
        st.builds(
            DeskDate,
            on=st.dates(date(2000, 1, 1), date(2099, 1, 1)),
            kind=st.sampled_from(["effective", "expires", "review", "accreditation"]),
            certificate_id=st.none() | st.integers(1, 9),
            lab_id=st.integers(1, 9),
            text=st.text(max_size=120),
            lab=st.text(max_size=120),
        ),
        max_size=5,
    )
)
def test_whatever_a_lab_is_called_the_file_stays_a_calendar(dates: list[DeskDate]) -> None:
    raw = to_ics(dates, domain="desk.invalid", stamp=datetime(2026, 11, 22, tzinfo=UTC))
    assert raw.endswith(b"\r\n")
    pieces = raw[:-2].split(b"\r\n")
    assert all(len(piece) <= 75 for piece in pieces)
    assert not any(b"\r" in piece or b"\n" in piece for piece in pieces)
    lines = unfolded(raw.decode())[:-1]
    names = [line.partition(":")[0].partition(";")[0] for line in lines]
    assert names.count("SUMMARY") == names.count("UID") == len(dates)
    assert set(names) <= {
        *("BEGIN", "END", "VERSION", "PRODID", "CALSCALE", "METHOD", "X-WR-CALNAME"),
        *("REFRESH-INTERVAL", "UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "DESCRIPTION"),
        "TRANSP",
    }
    assert [first for first, second in pairwise(lines) if first == second == "BEGIN:VEVENT"] == []
