"""Reality checks of a game session: shown with our figures, answered, and what follows."""

from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import Q

from apps.play.contracts import AnsweredCheck, ShownCheck
from apps.play.enums import SessionEnd
from apps.play.errors import SessionEndedError, UnknownSessionError
from apps.play.models import GameSession
from apps.play.services.sessions import end_sessions_of_player
from apps.play.visits import playing_since, visit_of
from apps.players.contracts import PlayerRef, RealityCheckLine, RealityCheckRecord
from apps.players.enums import RealityCheckStep
from apps.players.selectors import (
    player_by_id,
    reality_check,
    reality_check_clock,
    unanswered_check,
)
from apps.players.services import record_reality_check

logger = structlog.get_logger(__name__)


@transaction.atomic
def show_reality_check(*, session_id: int, now: datetime) -> ShownCheck:
    """Record that a check is shown now and return the figures to show.

    While one waits for its answer that one is returned, so a repeat changes nothing; one that was
    shown early and left alone gives way to present figures. Locks the player's sessions.

    Raises:
        UnknownSessionError, SessionEndedError: as they say.
    """
    session = _lock(session_id)
    player = player_by_id(session.player_id)
    ref = str(session.public_id)
    visit = visit_of(player, session.opened_at, now)
    waiting = unanswered_check(player.id, ref, visit.clock, now)
    if waiting is not None:
        return ShownCheck(waiting, player.currency, is_repeat=True)
    if session.ended_at is not None or session.stakes_until <= now:
        raise SessionEndedError
    record = RealityCheckRecord(
        player_id=player.id,
        session_ref=ref,
        shown_at=now,
        step=RealityCheckStep.SHOWN,
        minutes_played=visit.minutes_played,
        staked_minor=visit.staked_minor,
        won_minor=visit.won_minor,
    )
    kept = record_reality_check(record, now=now)
    logger.info("play.reality_check.shown", session_id=session.pk, check_id=kept.pk)
    return ShownCheck(reality_check(player.id, ref, kept.pk), player.currency)


@transaction.atomic
def answer_reality_check(
    *, session_id: int, check_id: int, answer: RealityCheckStep, now: datetime
) -> AnsweredCheck:
    """Record how a player answered a check: go on, or stop, which ends all their sessions.

    The same answer again changes nothing: sessions that were opened since go on. Locks the player's
    sessions.

    Raises:
        UnknownSessionError, UnknownRealityCheckError: as they say.
        RealityCheckAnsweredError: it was answered before, and otherwise.
    """
    session = _lock(session_id)
    player = player_by_id(session.player_id)
    ref = str(session.public_id)
    shown = reality_check(player.id, ref, check_id)
    if shown.answer == answer:
        return _answered(session, player, shown)
    record = RealityCheckRecord(
        player_id=player.id,
        session_ref=ref,
        shown_at=shown.shown_at,
        step=answer,
        minutes_played=shown.minutes_played,
        staked_minor=shown.staked_minor,
        won_minor=shown.won_minor,
    )
    record_reality_check(record, now=now)
    if answer == RealityCheckStep.STOPPED:
        end_sessions_of_player(
            player_id=player.id,
            code=SessionEnd.REALITY_CHECK,
            reason="The player stopped at a reality check.",
            now=now,
        )
    else:
        reckon_checks(player_id=player.id, now=now)
    logger.info("play.reality_check.answered", session_id=session.pk, answer=answer.value)
    return _answered(session, player, reality_check(player.id, ref, check_id))


@transaction.atomic
def reckon_checks(*, player_id: int, now: datetime) -> None:
    """Write down anew by when the player's sessions need their next check acknowledged.

    Until then they take stakes. Locks these sessions; a repeat changes nothing.
    """
    player = player_by_id(player_id)
    live = GameSession.objects.select_for_update().filter(
        player_id=player.id, ended_at__isnull=True, stakes_until__gt=now
    )
    for session in live.order_by("pk"):
        since = playing_since(player.id, session.opened_at)
        clock = reality_check_clock(player.id, player.jurisdiction, since)
        session.acknowledge_by = clock.acknowledge_by
        session.save(update_fields=["acknowledge_by"])


def _answered(session: GameSession, player: PlayerRef, line: RealityCheckLine) -> AnsweredCheck:
    session.refresh_from_db(fields=["ended_at"])
    since = playing_since(player.id, session.opened_at)
    clock = reality_check_clock(player.id, player.jurisdiction, since)
    return AnsweredCheck(line, player.currency, clock, has_ended=session.ended_at is not None)


def _lock(session_id: int) -> GameSession:
    """Lock every open session of the session's player, and it, in their order."""
    found = GameSession.objects.filter(pk=session_id).values_list("player_id", flat=True).first()
    if found is None:
        raise UnknownSessionError(session_id)
    locked = (
        GameSession.objects.select_for_update()
        .filter(Q(pk=session_id) | Q(ended_at__isnull=True), player_id=found)
        .order_by("pk")
    )
    return next(session for session in locked if session.pk == session_id)
