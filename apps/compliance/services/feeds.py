"""A person's private calendar address: made, shown once, read, revoked."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.compliance.errors import UnknownFeedError
from apps.compliance.models import CalendarFeed
from apps.compliance.services.trail import require_permission
from apps.core.services import record_audit
from apps.staff.contracts import LookUp
from apps.staff.selectors import Person, is_auditor, open_seat
from apps.staff.services import note_look

SEES = "compliance.view_deskcalendar"
# Where a calendar asks; the token in its query is in no log.
FEED_PATH = "/calendar.ics"


@dataclass(frozen=True, slots=True)
class NewFeed:
    """A fresh address; ``token`` is shown once and kept nowhere."""

    feed: CalendarFeed
    token: str


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def make_feed(*, person: Person, now: datetime) -> NewFeed:
    """Give somebody a new address; the one from before stops working.

    Raises:
        NotAllowedError: the account is not active or may not see the calendar.
    """
    person_id = require_permission(person, SEES)
    _revoke(person, now)
    token = secrets.token_urlsafe(32)
    feed = CalendarFeed.objects.create(person_id=person_id, digest=digest_of(token), created_at=now)
    _audit("made", person, feed, now)
    return NewFeed(feed, token)


@transaction.atomic
def revoke_feed(*, person: Person, now: datetime) -> bool:
    """End somebody's address for good; False if there was none."""
    return _revoke(person, now)


def _revoke(person: Person, now: datetime) -> bool:
    # Locked, so that two clicks at once make one live address and not a refusal of the table.
    live = CalendarFeed.objects.select_for_update().filter(person_id=person.pk, revoked_at=None)
    feed = live.first()
    if feed is None:
        return False
    feed.revoked_at = now
    feed.save(update_fields=["revoked_at"])
    _audit("revoked", person, feed, now)
    return True


def _audit(verb: str, person: Person, feed: CalendarFeed, now: datetime) -> None:
    record_audit(
        action=f"compliance.feed.{verb}",
        actor=person,
        subject=f"compliance.feed:{feed.pk}",
        details={},
        now=now,
    )


@transaction.atomic
def read_feed(*, token: str, now: datetime) -> CalendarFeed:
    """Return the feed behind a token and note that it was read.

    The person's rights are asked anew each time: who left or changed roles sees nothing more. An
    auditor needs an open seat, as on every page, and the look is in the auditors' log.

    Raises:
        UnknownFeedError: no live address carries the token, or its person may not see this now.
    """
    feed = (
        CalendarFeed.objects.select_for_update(of=("self",))
        .select_related("person")
        .filter(digest=digest_of(token), revoked_at=None)
        .first()
    )
    if feed is None or not feed.person.is_active or not feed.person.has_perm(SEES):
        raise UnknownFeedError
    if is_auditor(feed.person):
        _note_look(feed, now)
    feed.last_read_at = now
    feed.save(update_fields=["last_read_at"])
    return feed


def _note_look(feed: CalendarFeed, now: datetime) -> None:
    seat = open_seat(feed.person_id, now)
    if seat is None:
        raise UnknownFeedError
    # A calendar asks by itself, like an open page: one entry stands for 15 minutes of it.
    look = LookUp(
        seat_id=seat.pk,
        person_id=feed.person_id,
        person_name=str(feed.person),
        page="calendar_feed",
        path=FEED_PATH,
        query="",
        status=200,
        is_renewal=True,
    )
    note_look(look, now=now)
