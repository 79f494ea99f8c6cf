from dataclasses import dataclass
from typing import ClassVar

from apps.core.contracts import Event


@dataclass(frozen=True)
class ReminderDue(Event):
    """One person must be told by mail that a certificate ends; the reminder says which."""

    topic: ClassVar[str] = "compliance.reminder_due"
    reminder_id: int


@dataclass(frozen=True)
class NoticeDue(Event):
    """One person must be told by mail of a key event's clock or an accreditation's end.

    ``people`` are all who are told with this one.
    """

    topic: ClassVar[str] = "compliance.notice_due"
    about: str
    subject_id: int
    recipient_id: int
    people: list[int]


@dataclass(frozen=True)
class CertificateLapsing(Event):
    """A certificate came to a threshold before its end, or past it; once per threshold."""

    topic: ClassVar[str] = "compliance.certificate_lapsing"
    certificate_id: int
    report: str
    what: str
    ends_on: str
    threshold_days: int | None


@dataclass(frozen=True)
class UncertifiedPlaySeen(Event):
    """Players staked on a game while no report covered it; once per game, jurisdiction and day."""

    topic: ClassVar[str] = "compliance.uncertified_play"
    uncovered_id: int
    day: str
    game_id: int
    jurisdiction: str
