"""What staff gives to the apps above."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class ApprovalGrant:
    """Two people agreed on exactly this; handed to the handler of ``kind``."""

    approval_id: int
    kind: str
    subject: str
    payload: dict[str, Any]
    requested_by_id: int
    approved_by_id: int
    now: datetime


@dataclass(frozen=True, slots=True)
class RoleSync:
    """What applying the role table changed."""

    created: list[str]
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class HomeRow:
    """One line of a home card: what, where it is handled, and a short note on the right."""

    title: str
    link: str = ""
    meta: str = ""
    tone: str = "neutral"


@dataclass(frozen=True, slots=True)
class HomeCard:
    """One box on a role's home page.

    ``tone`` is success, warning, danger, info or neutral. ``empty_text`` says what to do next when
    there are no rows. At most 8 rows are shown; ``link`` leads to all of them.
    """

    title: str
    value: str = ""
    tone: str = "neutral"
    link: str = ""
    rows: tuple[HomeRow, ...] = ()
    empty_text: str = "Nothing awaits you here."
    note: str = ""

    @property
    def is_calm(self) -> bool:
        return not self.rows and self.tone not in {"warning", "danger"}


LONGEST_PATH: Final = 500
LONGEST_QUERY: Final = 1000
VISIT: Final = timedelta(minutes=15)
"""How long an entry stands for what an open page went on to show."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """A page that an auditor opened; ``is_renewal`` where the open page asked again by itself."""

    seat_id: int
    person_id: int
    person_name: str
    page: str
    path: str
    query: str
    status: int
    is_renewal: bool = False
