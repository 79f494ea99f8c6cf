"""Telling the apps above that the register says something else of days that are over."""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime
from itertools import batched
from typing import Final

from apps.core.services import publish
from apps.providers.enums import SignatureState
from apps.providers.events import PastCoverMoved
from apps.providers.models import Certificate
from apps.providers.selectors.catalogue import (
    family_of,
    first_day_of,
    game_named,
    games_judged_with,
    games_of_reports,
    reports_on,
)

_GAMES_AT_ONCE: Final = 10
"""So many games on dozens of places are counted again for weeks within a task's time."""


def tell_of_past_cover(game_ids: Iterable[int], since: date, *, now: datetime) -> None:
    """Tell that games' cover may be another one from a day on, if that day is over."""
    _tell(game_ids, since, is_gain=False, now=now)


def tell_of_claim(certificate: Certificate, game_code: str, *, now: datetime) -> None:
    """Tell that a report names something else of one game than it did, from its first day on."""
    games = game_named(certificate, game_code)
    tell_of_past_cover(games, certificate.effective_on, now=now)


def tell_of_report(certificate: Certificate, since: date, *, now: datetime) -> None:
    """Tell that a report says less, or says what another one said, from a day on.

    What it replaced or was replaced by may count instead, so that their games are named too.
    """
    tell_of_past_cover(games_judged_with(certificate), since, now=now)


def tell_of_new_report(certificate: Certificate, *, now: datetime) -> None:
    """Tell what was just registered; a report that replaces none can only cover more."""
    is_gain = family_of(certificate).count() == 1
    _tell(games_judged_with(certificate), certificate.effective_on, is_gain=is_gain, now=now)


def tell_of_accreditation(before: frozenset[int], after: frozenset[int], *, now: datetime) -> None:
    """Tell which reports of a lab lack an accreditation now, and which no longer do."""
    _tell_of_reports(after - before, is_gain=False, now=now)
    _tell_of_reports(before - after, is_gain=True, now=now)


def tell_of_signature(document_id: int, before: str, after: str, *, now: datetime) -> None:
    """Tell that a document's signature is invalid now or no longer; others change no cover."""
    was_invalid, is_invalid = (state == SignatureState.INVALID.value for state in (before, after))
    if was_invalid != is_invalid:
        _tell_of_reports(reports_on(document_id), is_gain=was_invalid, now=now)


def _tell_of_reports(certificate_ids: Collection[int], *, is_gain: bool, now: datetime) -> None:
    since = first_day_of(certificate_ids)
    if since is not None:
        _tell(games_of_reports(certificate_ids), since, is_gain=is_gain, now=now)


def _tell(game_ids: Iterable[int], since: date, *, is_gain: bool, now: datetime) -> None:
    if since >= now.astimezone(UTC).date():
        return
    for games in batched(sorted(game_ids), _GAMES_AT_ONCE, strict=False):
        publish(PastCoverMoved(list(games), since.isoformat(), is_gain=is_gain), now=now)
