"""Telling the apps above that the register says something else of days that are over."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from itertools import batched
from typing import Final

from apps.core.services import publish
from apps.providers.events import PastCoverMoved
from apps.providers.models import Certificate
from apps.providers.selectors.catalogue import family_of, games_judged_with

_GAMES_AT_ONCE: Final = 10
"""So many games on dozens of places are counted again for weeks within a task's time."""


def tell_of_past_cover(game_ids: Iterable[int], since: date, *, now: datetime) -> None:
    """Tell that games' cover may be another one from a day on, if that day is over."""
    _tell(game_ids, since, is_gain=False, now=now)


def tell_of_report(certificate: Certificate, since: date, *, now: datetime) -> None:
    """Tell that a report says less, or says what another one said, from a day on.

    What it replaced or was replaced by may count instead, so that their games are named too.
    """
    tell_of_past_cover(games_judged_with(certificate), since, now=now)


def tell_of_new_report(certificate: Certificate, *, now: datetime) -> None:
    """Tell what was just registered; a report that replaces none can only cover more."""
    is_gain = family_of(certificate).count() == 1
    _tell(games_judged_with(certificate), certificate.effective_on, is_gain=is_gain, now=now)


def _tell(game_ids: Iterable[int], since: date, *, is_gain: bool, now: datetime) -> None:
    if since >= now.astimezone(UTC).date():
        return
    for games in batched(sorted(game_ids), _GAMES_AT_ONCE, strict=False):
        publish(PastCoverMoved(list(games), since.isoformat(), is_gain=is_gain), now=now)
