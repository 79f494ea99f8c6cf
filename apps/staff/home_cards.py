"""The home card that most are: what waits, counted up to eight, and a link to all of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from apps.staff.contracts import HomeCard, HomeRow

MAX_ROWS: Final = 8
LIMIT: Final = MAX_ROWS + 1
"""How many to look up: one more than are shown tells that there are more."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a card says; ``tone`` holds while something waits, then it is ``tone_when_empty``."""

    title: str
    link: str
    empty_text: str
    tone: str
    note: str = ""
    tone_when_empty: str = "success"


def waiting_card[T](waiting: Waiting, found: Sequence[T], row: Callable[[T], HomeRow]) -> HomeCard:
    """Return the card over what was found, at most ``LIMIT`` of it."""
    return HomeCard(
        title=waiting.title,
        value=f"{MAX_ROWS}+" if len(found) > MAX_ROWS else str(len(found)),
        tone=waiting.tone if found else waiting.tone_when_empty,
        note=waiting.note if found else "",
        link=waiting.link,
        rows=tuple(row(one) for one in found[:MAX_ROWS]),
        empty_text=waiting.empty_text,
    )
