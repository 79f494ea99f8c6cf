"""Small makers for the desk's tests."""

from datetime import date, datetime
from typing import Any

from apps.compliance.models import DeskDuty
from apps.compliance.services.desk import DeskRun, advance_desk
from apps.core.models import OutboxMessage
from apps.providers.models import Certificate, CertificateGame, CertificateJurisdiction
from apps.providers.services.check_certificates import check_certificates
from apps.reports import tasks
from apps.staff.models import User
from tests.factories import make_user

WORKS = ("compliance.work_renewal",)


def make_officer(name: str, *, permissions: tuple[str, ...] = WORKS) -> User:
    officer = make_user(name, permissions=permissions)
    officer.email = f"{name}@desk.invalid"
    officer.save(update_fields=["email"])
    return officer


def make_duty(owner: User, deputy: User | None = None, **facts: Any) -> DeskDuty:
    return DeskDuty.objects.create(owner=owner, deputy=deputy, **facts)


def run_desk(now: datetime) -> DeskRun:
    """Check the certificates and let the desk do what follows, as a day does."""
    check_certificates(on=now.date(), now=now, is_recorded=True)
    return advance_desk(now=now, on=now.date())


def deliver_reminders() -> int:
    """Run the outbox messages that mail reminders, as a worker does; return how many ran."""
    waiting = OutboxMessage.objects.filter(task="reports.mail_reminder", done_at=None)
    messages = list(waiting.order_by("pk"))
    for message in messages:
        tasks.mail_reminder(outbox_id=message.pk, **message.payload)
    return len(messages)


def make_revision(
    old: Certificate, *, effective_on: date, games: tuple[str, ...] | None = None
) -> Certificate:
    """Register the next revision of a report, over the same games unless others are named."""
    named = games or tuple(old.games.values_list("game_code", flat=True))
    places = list(old.jurisdictions.values_list("jurisdiction", flat=True))
    new = Certificate.objects.get(pk=old.pk)
    new.pk = None
    new._state.adding = True
    new.revision = old.revision + 1
    new.issued_on = new.effective_on = effective_on
    new.expires_on = date(2029, 1, 1)
    new.save()
    for game in named:
        CertificateGame.objects.create(certificate=new, game_code=game)
    for place in places:
        CertificateJurisdiction.objects.create(certificate=new, jurisdiction=place)
    return new
