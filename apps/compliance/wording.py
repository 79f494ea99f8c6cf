"""What the desk writes to people."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from apps.compliance.enums import ReminderRole
from apps.compliance.models import Reminder, Renewal
from apps.providers.enums import COVERING_KINDS

_WHAT: Final = {
    "expiring": "is valid through",
    "expired": "was valid through",
    "review_due": "is due for review on",
    "invalidating": "covers nothing from",
    "invalidated": "covers nothing since",
    "recalling": "is recalled from",
    "recalled": "is recalled since",
}
_WHY: Final = {
    ReminderRole.OWNER: "You own its renewal.",
    ReminderRole.DEPUTY: "Its owner has not acknowledged the reminder, so it is yours to look at.",
    ReminderRole.INSTEAD: "Whoever it was for has no account or address that can be mailed.",
    ReminderRole.DESK: "Nobody owns its renewal yet. Whoever reads this first, take it.",
}
_CONSEQUENCES: Final = {
    "expiring": "From the day after, what it alone covers can't be launched.",
    "expired": "What it alone covered can't be launched any more.",
    "invalidating": "A change of the supplier ends it: from then on its games can't be launched.",
    "recalling": "The lab or an authority takes it back: from then on its games can't be launched.",
    "recalled": "The lab or an authority took it back: its games can't be launched any more.",
    "invalidated": "A change of the supplier ended it: its games can't be launched any more.",
    "review_due": "An overdue review is shown on the desk; cover stays.",
}
_COVERS_NO_GAME: Final = (
    "It covers no game by itself, so no launch hangs on it; without it the provider has no such "
    "report in force."
)


def words_for(kind: str, ends_on: date) -> str:
    """Say what a flag of this kind means: "is valid through 2026-11-30"."""
    return f"{_WHAT[kind]} {ends_on}"


@dataclass(frozen=True, slots=True)
class Mail:
    subject: str
    body: str

    @property
    def header(self) -> str:
        """Return the subject on one line: a title or a name with a break in it is no header."""
        return " ".join(self.subject.split())


def mail_of(reminder: Reminder, games: set[str], page: str) -> Mail:
    """Write the mail of one reminder; ``page`` is the address of its renewal."""
    renewal, certificate = reminder.renewal, reminder.renewal.certificate
    kind = reminder.flag.kind
    day = reminder.flag.ends_on
    assert day is not None  # noqa: S101 - a flag of an end is only made where there is one
    what = f"{certificate} {words_for(kind, day)}"
    lines = [
        f"{what}.",
        "",
        f"Lab: {certificate.lab.name}",
        f"Provider: {certificate.provider_code}",
        f"Games: {_games_of(renewal, games)}",
        f"Renewal: {renewal.get_state_display()}, due {renewal.due_on}",
        f"Lab contact: {renewal.lab_contact or 'none noted yet'}",
        "",
        _WHY[ReminderRole(reminder.role)],
        _consequence(renewal, kind),
        "",
        f"Acknowledge it, or say how far it is: {page}",
    ]
    return Mail(subject=f"[Pitboss] {what}", body="\n".join(lines) + "\n")


def _games_of(renewal: Renewal, games: set[str]) -> str:
    if renewal.certificate.all_games:
        return "all of the provider"
    more = f" and {len(games) - 10} more" if len(games) > 10 else ""
    return f"{', '.join(sorted(games)[:10])}{more}"


def _consequence(renewal: Renewal, kind: str) -> str:
    if renewal.certificate.kind not in COVERING_KINDS and kind != "review_due":
        return _COVERS_NO_GAME
    return _CONSEQUENCES[kind]
