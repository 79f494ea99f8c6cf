"""Reality checks: when the next one is due, and those that were shown with their answers."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db.models import QuerySet

from apps.players import rules
from apps.players.contracts import RealityCheckClock, RealityCheckInterval, RealityCheckLine
from apps.players.enums import REALITY_CHECK_ANSWERS, LimitKind, RealityCheckStep, RuleKind
from apps.players.errors import UnknownRealityCheckError
from apps.players.models import Limit, RealityCheck
from apps.players.protection import Term

_SHOWN_EARLY: Final = timedelta(minutes=5)


def reality_check_clock(
    player_id: int, jurisdiction: str, playing_since: datetime
) -> RealityCheckClock:
    """Return when the next check of somebody who plays since a moment is due; maybe long ago.

    Counted from the latest acknowledged one of those shown since. One that was only shown puts
    nothing off, and one that was shown long before it was due, only from when it was shown.
    """
    own = _own_intervals(player_id)
    since = playing_since
    acknowledged = RealityCheck.objects.filter(
        player_id=player_id, step=RealityCheckStep.CONTINUED, shown_at__gte=playing_since
    )
    for shown_at, answered_at in acknowledged.order_by("happened_at", "pk").values_list(
        "shown_at", "happened_at"
    ):
        is_present = _is_present(_clock(jurisdiction, since, own), shown_at, answered_at)
        since = max(since, answered_at if is_present else shown_at)
    return _clock(jurisdiction, since, own)


def reality_check_interval(
    player_id: int, jurisdiction: str, now: datetime
) -> RealityCheckInterval:
    """Return after how many minutes of play a check is due now, by the rule and by the player."""
    on = now.astimezone(UTC).date()
    own = [one.amount for one in _own_intervals(player_id) if one.holds_at(now)]
    return RealityCheckInterval(
        rule_minutes=rules.rule_value(RuleKind.REALITY_CHECK, jurisdiction, on),
        own_minutes=min(own, default=None),
    )


def _own_intervals(player_id: int) -> list[Term]:
    """Return every time between checks that the player ever wished for, with when it holds."""
    rows = Limit.objects.filter(
        player_id=player_id, kind=LimitKind.REALITY_CHECK, cancelled_at__isnull=True
    )
    return [
        Term(row.kind, row.effective_from, row.effective_until, row.minutes or 0)
        for row in rows.order_by("pk")
    ]


def _clock(jurisdiction: str, since: datetime, own: Sequence[Term]) -> RealityCheckClock:
    """Return when a check is due at the earliest, by the rule or by a wish that holds then."""
    on = since.astimezone(UTC).date()
    minutes = rules.rule_value(RuleKind.REALITY_CHECK, jurisdiction, on)
    grace = rules.rule_value(RuleKind.REALITY_CHECK_GRACE, jurisdiction, on)
    dues = [] if minutes is None else [since + timedelta(minutes=minutes)]
    wished = [(one, max(since + timedelta(minutes=one.amount), one.starts_at)) for one in own]
    dues += [at for one, at in wished if one.holds_at(at)]
    if not dues:
        return RealityCheckClock(None, None)
    due_at = min(dues)
    return RealityCheckClock(due_at, None if grace is None else due_at + timedelta(minutes=grace))


def _is_present(clock: RealityCheckClock, shown_at: datetime, now: datetime) -> bool:
    """Tell whether a check still says how the player stands: due when shown, or just shown."""
    was_due = clock.due_at is not None and clock.due_at <= shown_at
    return was_due or now < shown_at + _SHOWN_EARLY


def unanswered_check(
    player_id: int, session_ref: str, clock: RealityCheckClock, now: datetime
) -> RealityCheckLine | None:
    """Return the session's check that waits for its answer, the latest one, or None.

    One that was shown early and left alone waits no more: its figures are of long ago.
    """
    lines = _lines(RealityCheck.objects.filter(player_id=player_id, session_ref=session_ref), 1)
    return next(
        (one for one in lines if not one.answer and _is_present(clock, one.shown_at, now)),
        None,
    )


def reality_check(player_id: int, session_ref: str, check_id: int) -> RealityCheckLine:
    """Return one check of a session as it was shown.

    Raises:
        UnknownRealityCheckError: the session has no such check.
    """
    rows = RealityCheck.objects.filter(player_id=player_id, session_ref=session_ref)
    lines = _lines(rows.filter(pk=check_id), 1)
    if not lines:
        raise UnknownRealityCheckError(f"The session has no reality check {check_id}.")
    return lines[0]


def checks_of_session(player_id: int, session_ref: str, count: int) -> Sequence[RealityCheckLine]:
    rows = RealityCheck.objects.filter(player_id=player_id, session_ref=session_ref)
    return _lines(rows, count)


def latest_reality_checks(player_id: int, count: int) -> Sequence[RealityCheckLine]:
    """Return a player's latest checks, each with its answer, the latest first."""
    return _lines(RealityCheck.objects.filter(player_id=player_id), count)


def _lines(rows: QuerySet[RealityCheck], count: int) -> list[RealityCheckLine]:
    shown = list(rows.filter(step=RealityCheckStep.SHOWN).order_by("-shown_at", "-pk")[:count])
    answers = {
        (answer.player_id, answer.session_ref, answer.shown_at): answer
        for answer in RealityCheck.objects.filter(
            player_id__in={one.player_id for one in shown},
            session_ref__in={one.session_ref for one in shown},
            shown_at__in={one.shown_at for one in shown},
            step__in=REALITY_CHECK_ANSWERS,
        )
    }
    return [
        _line(one, answers.get((one.player_id, one.session_ref, one.shown_at))) for one in shown
    ]


def _line(shown: RealityCheck, answer: RealityCheck | None) -> RealityCheckLine:
    return RealityCheckLine(
        check_id=shown.pk,
        session_ref=shown.session_ref,
        shown_at=shown.shown_at,
        minutes_played=shown.minutes_played,
        staked_minor=shown.staked_minor,
        won_minor=shown.won_minor,
        answer="" if answer is None else answer.step,
        answered_at=None if answer is None else answer.happened_at,
    )
