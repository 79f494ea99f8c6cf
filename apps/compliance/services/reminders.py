"""Tell people of what ends, once each, and the deputy when the owner is silent.

A reminder is written together with its outbox message; the mail goes out later, from the message.
A crash before the mail loses nothing, a crash after it repeats at most that one mail.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
from apps.core.contracts import Event
from apps.core.services import publish_all, run_once
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
    notices = {}
    for lapse in new:
        renewal = locked[renewals[lapse.certificate_id]]
        if lapse.flag_id not in told and renewal.state not in CLOSED_RENEWALS:
            notices[lapse] = _notice_of(renewal, lapse, workers)
    return _tell(notices, now)


@dataclass(frozen=True, slots=True)
class _Notice:
    """Whom to tell of one flag of a renewal, and as what."""

    renewal: Renewal
    flag_id: int
    role: ReminderRole
    people: frozenset[int]


def _notice_of(renewal: Renewal, lapse: Lapse, workers: set[int]) -> _Notice:
    owner_id = renewal.owner_id
    if owner_id is not None and owner_id in workers:
        return _Notice(renewal, lapse.flag_id, ReminderRole.OWNER, frozenset({owner_id}))
    return _Notice(renewal, lapse.flag_id, ReminderRole.DESK, frozenset(workers))


def _tell(notices: Mapping[Lapse, _Notice], now: datetime) -> int:
    written = _write(notices.values(), now)
    told_of = {reminder.flag_id for reminder in written}
    events: list[Event] = []
    for lapse, notice in notices.items():
        if lapse.flag_id in told_of:
            events.append(_lapsing(notice.renewal, lapse))
        else:
            # Left for the run that finds somebody on the desk.
            logger.error("compliance.desk.nobody_to_remind", renewal_id=notice.renewal.pk)
    publish_all(events, now=now)
    return len(written)


def _lapsing(renewal: Renewal, lapse: Lapse) -> CertificateLapsing:
    return CertificateLapsing(
        certificate_id=renewal.certificate_id,
        report=str(renewal.certificate),
        what=words_for(lapse.kind, lapse.ends_on),
        ends_on=lapse.ends_on.isoformat(),
        threshold_days=lapse.threshold_days,
    )


def _write(notices: Iterable[_Notice], now: datetime) -> list[Reminder]:
    """Write the reminders that nobody has yet; three statements, however many there are."""
    notices = list(notices)
    told = Reminder.objects.filter(flag_id__in=[notice.flag_id for notice in notices])
    known = set(told.values_list("flag_id", "recipient_id"))
    new = [
        Reminder(
            renewal=notice.renewal,
            flag_id=notice.flag_id,
            recipient_id=person,
            role=notice.role,
            created_at=now,
        )
        for notice in notices
        for person in sorted(notice.people)
        if (notice.flag_id, person) not in known
    ]
    written = Reminder.objects.bulk_create(new)
    publish_all([ReminderDue(reminder_id=reminder.pk) for reminder in written], now=now)
    counts = Counter(reminder.renewal_id for reminder in written)
    for renewal_id, count in counts.items():
        logger.info("compliance.reminders.written", renewal_id=renewal_id, count=count)
    return written


@transaction.atomic
def escalate_silence(*, now: datetime) -> int:
    """Tell the deputy of each reminder that its owner left unacknowledged for too long.

    Without a deputy who still works on renewals, everybody else on the desk is told.
    """
    duties = duties_by_provider()
    due = [reminder for reminder in silent_reminders() if _is_overdue(reminder, duties, now)]
    locked = lock_renewals(reminder.renewal_id for reminder in due)
    workers = worker_ids()
    notices = []
    for reminder in due:
        renewal = locked[reminder.renewal_id]
        if renewal.state in CLOSED_RENEWALS or _is_acknowledged(renewal, reminder):
            continue
        deputy_id = renewal.deputy_id
        has_deputy = deputy_id is not None and deputy_id in workers
        people = {deputy_id} if has_deputy else workers - {reminder.recipient_id}
        told = frozenset(person for person in people if person is not None)
        notices.append(_Notice(renewal, reminder.flag_id, ReminderRole.DEPUTY, told))
    return len(_write(notices, now))


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
    people = frozenset(mailable_people("work_renewal"))
    notice = _Notice(reminder.renewal, reminder.flag_id, ReminderRole.INSTEAD, people)
    written = _write([notice], now)
    if not people:
        logger.error("compliance.reminder.nobody_to_mail", reminder_id=reminder.pk)
    else:
        logger.warning(
            "compliance.reminder.told_instead", reminder_id=reminder.pk, count=len(written)
        )


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
        subject=mail.header,
        body=mail.body,
        to=[reminder.recipient.email],
        headers={"Message-ID": f"<reminder-{reminder.pk}@{settings.PITBOSS_MAIL_DOMAIN}>"},
    )
    try:
        message.send()
    except (SMTPException, OSError) as error:
        raise MailNotSentError(f"reminder {reminder.pk}") from error
