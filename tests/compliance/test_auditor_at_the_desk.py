"""What an auditor sees of the desk: no address of a person, and nothing without an open seat."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.compliance.models import CalendarFeed, Reminder
from apps.compliance.services.feeds import make_feed
from apps.core.admin.masking import subject_of
from apps.core.services import record_audit
from apps.staff.enums import Role
from apps.staff.models import AuditorLookUp, AuditorSeat, User
from tests.compliance.makers import make_duty, make_officer, run_desk
from tests.factories import make_cover, make_game, make_provider, make_user

pytestmark = pytest.mark.django_db

ADDRESS = "olga@desk.invalid"


@pytest.fixture
def auditor() -> User:
    call_command("seed_roles", verbosity=0)
    return make_user("aud", roles=(Role.AUDITOR,))


def test_a_reminder_hides_its_recipients_address_until_the_person_is_unmasked(
    auditor: User,
) -> None:
    olga = make_officer("olga")
    make_duty(olga)
    certificate = make_cover(make_game(make_provider()))
    assert certificate.expires_on is not None
    ends_at = datetime.combine(certificate.expires_on, datetime.min.time(), UTC)
    run_desk(ends_at - timedelta(days=20))
    page = reverse("admin:compliance_reminder_change", args=[Reminder.objects.get().pk])
    client = Client()
    client.force_login(auditor)
    shown = client.get(page).content.decode()
    assert ADDRESS not in shown
    assert "To: hidden" in shown
    record_audit(
        action="core.personal_data.unmasked",
        actor=auditor,
        subject=subject_of(User, olga.pk),
        details={},
        reason="Who was told?",
        now=timezone.now(),
    )
    assert f"To: {ADDRESS}" in client.get(page).content.decode()
    olga.refresh_from_db()
    assert olga.email == ADDRESS


def test_an_auditors_calendar_needs_the_open_seat_and_is_in_the_log(auditor: User) -> None:
    now = timezone.now()
    token = make_feed(person=auditor, now=now).token

    def read(at: datetime) -> int:
        with time_machine.travel(at, tick=False):
            return Client().get(reverse("calendar_feed"), {"token": token}).status_code

    assert [read(now), read(now + timedelta(minutes=5))] == [200, 200]
    look = AuditorLookUp.objects.get(page="calendar_feed")
    assert (look.person_id, look.path, look.query) == (auditor.pk, reverse("calendar_feed"), "")
    seat = AuditorSeat.objects.get()
    assert read(seat.ends_at) == 404
    seen = CalendarFeed.objects.get().last_read_at
    assert seen == now + timedelta(minutes=5)
    assert AuditorLookUp.objects.filter(page="calendar_feed").count() == 1
