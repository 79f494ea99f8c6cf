"""Tell people of what ends, once each, and the deputy when the owner is silent.

A reminder is written together with its outbox message; the mail goes out later, from the message.
A crash before the mail loses nothing, a crash after it repeats at most that one mail.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from smtplib import SMTPException
from typing import Final

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse

from apps.compliance.enums import CLOSED_RENEWALS, ReminderRole
from apps.compliance.errors import MailNotSentError
from apps.compliance.events import CertificateLapsing, ReminderDue
from apps.compliance.locks import lock_renewals
from apps.compliance.models import DeskDuty, Reminder, Renewal
from apps.compliance.selectors.renewals import (
    decided_ends,
    duties_by_provider,
    flags_told,
    mailable_people,
    open_renewals_of,
    reminder_by_id,
    silent_reminders,
    worker_ids,
)
from apps.compliance.wording import Mail, mail_of, words_for
from apps.core.services import publish, run_once
from apps.providers.selectors.ends import RemainsOnDay
from apps.providers.selectors.lapses import Lapse, flagged_lapses, games_named_by

logger = structlog.get_logger(__name__)

ACKNOWLEDGE_DAYS: Final = 3


@transaction.atomic
def remind_of_lapses(judge: RemainsOnDay, *, now: datetime) -> int:
    """Write a reminder for the owner of each renewal with a flag that nobody was told of.

    Nobody is told of an end that leaves nothing to be done. Where a renewal has no owner who still
    works on renewals, the whole desk is told. Returns how many reminders were written.
    """
    lapses = flagged_lapses()
    renewals = open_renewals_of(lapse.certificate_id for lapse in lapses)
    decided = decided_ends(renewals)
    told = flags_told(lapse.flag_id for lapse in lapses)
    new = [
        lapse
        for lapse in lapses
        if lapse.flag_id not in told
        and lapse.certificate_id in renewals
        and lapse.end not in decided
    ]
    remains = judge.of({lapse.end for lapse in new})
    new = [lapse for lapse in new if remains[lapse.end].is_something]
    locked = lock_renewals(renewals[lapse.certificate_id] for lapse in new)
    # Again under the locks: a twin of this run may have told of some meanwhile.
    told = flags_told(lapse.flag_id for lapse in new)
    workers = worker_ids()
    written = 0
    for lapse in new:
        renewal = locked[renewals[lapse.certificate_id]]
        if lapse.flag_id not in told and renewal.state not in CLOSED_RENEWALS:
            written += _tell(renewal, lapse, workers, now)
    return written


def _tell(renewal: Renewal, lapse: Lapse, workers: set[int], now: datetime) -> int:
    is_owned = renewal.owner_id in workers
    role = ReminderRole.OWNER if is_owned else ReminderRole.DESK
    people = {renewal.owner_id} if is_owned else workers
    written = _write(renewal, lapse.flag_id, role, people, now)
    if not written:
        # Left for the run that finds somebody on the desk.
        logger.error("compliance.desk.nobody_to_remind", renewal_id=renewal.pk)
        return 0
    publish(
        CertificateLapsing(
            certificate_id=renewal.certificate_id,
            report=str(renewal.certificate),
            what=words_for(lapse.kind, lapse.ends_on),
            ends_on=lapse.ends_on.isoformat(),
            threshold_days=lapse.threshold_days,
        ),
        now=now,
    )
    return written


def _write(
    renewal: Renewal, flag_id: int, role: ReminderRole, people: Iterable[int | None], now: datetime
) -> int:
    told = set(Reminder.objects.filter(flag_id=flag_id).values_list("recipient_id", flat=True))
    new = sorted(person for person in people if person is not None and person not in told)
    for person in new:
        reminder = Reminder.objects.create(
            renewal=renewal, flag_id=flag_id, recipient_id=person, role=role, created_at=now
        )
        publish(ReminderDue(reminder_id=reminder.pk), now=now)
    logger.info("compliance.reminders.written", renewal_id=renewal.pk, count=len(new))
    return len(new)


@transaction.atomic
def escalate_silence(*, now: datetime) -> int:
    """Tell the deputy of each reminder that its owner left unacknowledged for too long.

    Without a deputy who still works on renewals, everybody else on the desk is told.
    """
    duties = duties_by_provider()
    due = [reminder for reminder in silent_reminders() if _is_overdue(reminder, duties, now)]
    locked = lock_renewals(reminder.renewal_id for reminder in due)
    workers = worker_ids()
    written = 0
    for reminder in due:
        renewal = locked[reminder.renewal_id]
        if renewal.state in CLOSED_RENEWALS or _is_acknowledged(renewal, reminder):
            continue
        has_deputy = renewal.deputy_id in workers
        people = {renewal.deputy_id} if has_deputy else workers - {reminder.recipient_id}
        written += _write(renewal, reminder.flag_id, ReminderRole.DEPUTY, people, now)
    return written


def _is_overdue(reminder: Reminder, duties: Mapping[str, DeskDuty], now: datetime) -> bool:
    duty = duties.get(reminder.renewal.certificate.provider_code) or duties.get("")
    allowed = duty.acknowledge_days if duty else ACKNOWLEDGE_DAYS
    return reminder.created_at + grace(reminder.flag.threshold_days, allowed) <= now


def grace(threshold_days: int | None, acknowledge_days: int) -> timedelta:
    """Return how long an owner may be silent.

    Never more than half of what is left, so that the deputy still has the other half; after the
    end, not at all.
    """
    return min(timedelta(days=acknowledge_days), timedelta(days=threshold_days or 0) / 2)


def _is_acknowledged(renewal: Renewal, reminder: Reminder) -> bool:
    return renewal.acknowledged_at is not None and renewal.acknowledged_at >= reminder.created_at


def mail_reminder(*, outbox_id: int, reminder_id: int, now: datetime) -> bool:
    """Mail one reminder and mark it; False if that was done before.

    Where its person can't be mailed, the desk is told instead, at once. The mail comes first,
    outside any transaction: a crash in between mails again under the same Message-ID, and never
    loses.

    Raises:
        MailNotSentError: the mail server did not take it; the outbox tries again later.
    """
    reminder = reminder_by_id(reminder_id)
    if reminder is None or reminder.sent_at is not None or reminder.problem:
        return run_once(outbox_id, lambda: None)
    problem = _why_not(reminder)
    if not problem:
        _send(reminder)

    def mark() -> None:
        Reminder.objects.filter(pk=reminder_id, sent_at=None).update(
            sent_at=None if problem else now, problem=problem
        )
        if problem and reminder.renewal.state not in CLOSED_RENEWALS:
            _tell_instead(reminder, now)

    return run_once(outbox_id, mark)


def _tell_instead(reminder: Reminder, now: datetime) -> None:
    """Tell everybody on the desk who has an address; where nobody has, the administrators."""
    people = mailable_people("work_renewal")
    written = _write(reminder.renewal, reminder.flag_id, ReminderRole.INSTEAD, people, now)
    if not people:
        logger.error("compliance.reminder.nobody_to_mail", reminder_id=reminder.pk)
    else:
        logger.warning("compliance.reminder.told_instead", reminder_id=reminder.pk, count=written)


def _why_not(reminder: Reminder) -> str:
    if reminder.renewal.state in CLOSED_RENEWALS:
        return "The renewal was closed before the mail went out."
    if not reminder.recipient.is_active:
        return "The account is no longer active."
    if not reminder.recipient.email:
        return "The account has no mail address."
    return ""


def compose_mail(reminder: Reminder) -> Mail:
    """Write the reminder's mail from what is on file now."""
    certificate_id = reminder.renewal.certificate_id
    page = reverse("admin:compliance_renewal_change", args=[reminder.renewal_id])
    games = games_named_by([certificate_id])[certificate_id]
    return mail_of(reminder, games, settings.PITBOSS_URL + page)


def _send(reminder: Reminder) -> None:
    mail = compose_mail(reminder)
    message = EmailMessage(
        subject=mail.subject,
        body=mail.body,
        to=[reminder.recipient.email],
        headers={"Message-ID": f"<reminder-{reminder.pk}@{settings.PITBOSS_MAIL_DOMAIN}>"},
    )
    try:
        message.send()
    except (SMTPException, OSError) as error:
        raise MailNotSentError(f"reminder {reminder.pk}") from error
