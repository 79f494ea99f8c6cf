"""Tell the desk by mail, once, of what has no renewal: a key event's clock, an accreditation.

What was told is noted where it is told of, in the transaction that writes the outbox messages; the
mails go out from the messages. Where none of those told can be mailed any more, the note is taken
back, and the next run of the desk tells who can be.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from smtplib import SMTPException
from typing import Final

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse

from apps.compliance.enums import KeyEventState
from apps.compliance.errors import MailNotSentError
from apps.compliance.events import NoticeDue
from apps.compliance.models import KeyEvent
from apps.compliance.selectors.key_events import key_event_by_id, unreminded_key_events
from apps.compliance.selectors.renewals import mailable_people
from apps.compliance.services.key_events import remind_at
from apps.compliance.wording import Mail
from apps.core.services import publish, record_audit, run_once
from apps.providers.selectors.accreditations import accreditation_by_id, accreditations_ending
from apps.providers.services.accreditations import forget_told, note_told
from apps.staff.selectors import person_by_id

logger = structlog.get_logger(__name__)

KEY_EVENT: Final = "key_event"
ACCREDITATION: Final = "accreditation"


@transaction.atomic
def remind_of_key_events(*, now: datetime) -> int:
    """Tell who may submit of each draft with two working days left, once; return how many drafts.

    With nobody to mail, the next run that finds somebody tells.
    """
    due = [event for event in unreminded_key_events() if remind_at(event.aware_at) <= now]
    people = mailable_people("submit_keyevent") if due else []
    if due and not people:
        logger.error("compliance.notices.nobody_to_mail", key_events=[event.pk for event in due])
        return 0
    for event in due:
        event.reminded_at = now
        event.save(update_fields=["reminded_at"])
        _publish(KEY_EVENT, event.pk, people, now)
    return len(due)


@transaction.atomic
def remind_of_accreditations(*, now: datetime, on: date) -> int:
    """Tell the desk of each accreditation that ends with none after it, once for each threshold.

    A report issued after that end proves nothing, so a renewal at that lab comes too late then.
    """
    ending = accreditations_ending(on)
    people = mailable_people("work_renewal") if ending else []
    if ending and not people:
        logger.error("compliance.notices.nobody_to_mail", accreditations=list(ending))
        return 0
    told = 0
    for accreditation_id, days in ending.items():
        if note_told(accreditation_id, days=days):
            _publish(ACCREDITATION, accreditation_id, people, now)
            told += 1
    return told


def _publish(about: str, subject_id: int, people: list[int], now: datetime) -> None:
    for person in people:
        publish(NoticeDue(about, subject_id, person, people), now=now)
    record_audit(
        action="compliance.notice.written",
        actor=None,
        subject=f"{about}:{subject_id}",
        details={"people": people},
        now=now,
    )


@dataclass(frozen=True, slots=True)
class NoticeTo:
    """What a notice is about, whom it is for, and who else is told."""

    about: str
    subject_id: int
    recipient_id: int
    people: tuple[int, ...] = ()


def mail_notice(*, outbox_id: int, notice: NoticeTo) -> bool:
    """Mail one notice; False if that was done before.

    Where neither its person nor anybody told with it has an account and an address any more, it is
    to be told anew: a telling that reached nobody is at worst repeated, never lost.

    Raises:
        MailNotSentError: the mail server did not take it; the outbox tries again later.
    """
    mail = _COMPOSE[notice.about](notice.subject_id)
    if mail is None:
        return run_once(outbox_id, lambda: None)
    address = _address_of(notice.recipient_id)
    if not address:
        return run_once(outbox_id, lambda: _tell_anew(notice))
    message = EmailMessage(
        subject=mail.header,
        body=mail.body,
        to=[address],
        headers={"Message-ID": f"<notice-{outbox_id}@{settings.PITBOSS_MAIL_DOMAIN}>"},
    )
    try:
        message.send()
    except (SMTPException, OSError) as error:
        raise MailNotSentError(f"the notice of message {outbox_id}") from error
    return run_once(outbox_id, lambda: None)


def _address_of(person_id: int) -> str:
    person = person_by_id(person_id)
    return "" if person is None else person.email


def _tell_anew(notice: NoticeTo) -> None:
    is_read = any(_address_of(person) for person in notice.people)
    if not is_read:
        _FORGET[notice.about](notice.subject_id)
    logger.warning(
        "compliance.notice.not_mailed",
        about=notice.about,
        subject_id=notice.subject_id,
        is_told_anew=not is_read,
    )


def _forget_reminded(event_id: int) -> None:
    KeyEvent.objects.filter(pk=event_id).update(reminded_at=None)


def _key_event_mail(event_id: int) -> Mail | None:
    event = key_event_by_id(event_id)
    if event is None or event.state != KeyEventState.DRAFT:
        return None
    page = settings.PITBOSS_URL + reverse("admin:compliance_keyevent_change", args=[event.pk])
    due, aware = (f"{at:%Y-%m-%d %H:%M} UTC" for at in (event.due_at, event.aware_at))
    lines = [
        f"The key event '{event.title}' is a draft. It must be with the regulator before {due}.",
        "",
        f"Aware since {aware}. What is submitted later must say why.",
        "",
        f"Submit it, and record the regulator's reference: {page}",
    ]
    subject = f"[Pitboss] Key event due before {due}: {event.title}"
    return Mail(subject, "\n".join(lines) + "\n")


def _accreditation_mail(accreditation_id: int) -> Mail | None:
    accreditation = accreditation_by_id(accreditation_id)
    if accreditation is None:
        return None
    lab = accreditation.lab
    page = settings.PITBOSS_URL + reverse("admin:providers_lab_change", args=[lab.pk])
    what = f"Accreditation {accreditation} of {lab} is valid through {accreditation.valid_until}"
    lines = [
        f"{what}, and none on file comes after it.",
        "",
        "Reports issued by then keep their word; one issued later covers nothing.",
        "",
        f"Ask the lab for the new one and record it: {page}",
    ]
    return Mail(f"[Pitboss] {what}", "\n".join(lines) + "\n")


_COMPOSE: Final[Mapping[str, Callable[[int], Mail | None]]] = {
    KEY_EVENT: _key_event_mail,
    ACCREDITATION: _accreditation_mail,
}

_FORGET: Final[Mapping[str, Callable[[int], None]]] = {
    KEY_EVENT: _forget_reminded,
    ACCREDITATION: forget_told,
}
