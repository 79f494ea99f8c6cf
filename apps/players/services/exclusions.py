"""Keeping a player from playing, and letting them back where the rules allow it."""

from datetime import UTC, date, datetime, timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from apps.core.history import note_edit
from apps.core.services import publish, record_audit
from apps.players import rules
from apps.players.contracts import ExclusionRequest
from apps.players.enums import Ending, ExclusionKind, PlayerStatus, RuleKind
from apps.players.errors import (
    ExclusionAlreadyEndedError,
    ExclusionIsForeverError,
    ExclusionNotOverError,
    ExclusionPeriodError,
    ExclusionTooShortError,
    NoExclusionError,
)
from apps.players.events import PlayerExcluded
from apps.players.locks import lock_player
from apps.players.models import Exclusion, ExclusionEnd, Player
from apps.players.selectors.moves import moves_of
from apps.players.selectors.protection import exclusions_in_force

_STANDING = {
    ExclusionKind.SELF_EXCLUSION: PlayerStatus.SELF_EXCLUDED,
    ExclusionKind.CLOSURE: PlayerStatus.CLOSED,
}
_GRAVITY = (PlayerStatus.ACTIVE, PlayerStatus.SELF_EXCLUDED, PlayerStatus.CLOSED)


@transaction.atomic
def exclude(
    request: ExclusionRequest, *, actor: AbstractBaseUser | None = None, now: datetime
) -> Exclusion:
    """Keep a player from playing from ``now`` on and tell the apps above, which end the sessions.

    Money back is never refused, nor is a withdrawal. A second exclusion beside one in force is
    fine: the longest counts. Locks the player.

    Raises:
        UnknownPlayerError: nobody has this id.
        ExclusionPeriodError: it would end before it starts, or a time-out names no end.
        ExclusionTooShortError: the jurisdiction asks for a longer self-exclusion.
    """
    kind = ExclusionKind(request.kind)
    player = lock_player(request.player_id)
    today = now.astimezone(UTC).date()
    _check_period(kind, request.ends_at, player.jurisdiction, now)
    ending = _ending(kind, player.jurisdiction, today)
    exclusion = Exclusion.objects.create(
        player=player,
        kind=kind,
        starts_at=now,
        ends_at=request.ends_at,
        ending=ending,
        earliest_end_at=_earliest_end(kind, ending, request.ends_at, player.jurisdiction, now),
        source=request.source,
        asked_by=request.asked_by,
        reason=request.reason,
        created_at=now,
    )
    standing = _graver(player, _STANDING.get(kind))
    _set_standing(player, standing, actor=actor, reason=request.reason, now=now)
    record_audit(
        action=f"players.{kind.value}.started",
        actor=actor,
        subject=f"players.player:{player.pk}",
        details={
            "exclusion_id": exclusion.pk,
            "source": request.source,
            "ends_at": request.ends_at.isoformat() if request.ends_at else None,
            "ending": exclusion.ending,
        },
        reason=request.reason,
        now=now,
    )
    publish(
        PlayerExcluded(player_id=player.pk, exclusion_id=exclusion.pk, kind=kind.value), now=now
    )
    return exclusion


def close_account(
    player_id: int,
    *,
    source: str,
    asked_by: str,
    reason: str,
    actor: AbstractBaseUser | None = None,
    now: datetime,
) -> Exclusion:
    """Close a player's account; the balance stays theirs to withdraw. See ``exclude``."""
    request = ExclusionRequest(
        player_id=player_id,
        kind=ExclusionKind.CLOSURE,
        source=source,
        asked_by=asked_by,
        reason=reason,
    )
    return exclude(request, actor=actor, now=now)


@transaction.atomic
def end_exclusion(
    exclusion_id: int,
    *,
    source: str,
    asked_by: str,
    reason: str,
    actor: AbstractBaseUser | None = None,
    now: datetime,
) -> ExclusionEnd:
    """Take a request to end an exclusion; it lets go after the jurisdiction's cooling-off.

    Locks the player.

    Raises:
        NoExclusionError: there is no such exclusion, or it lapsed by itself.
        ExclusionAlreadyEndedError: its end was asked for before.
        ExclusionIsForeverError: the jurisdiction's rule says that it never ends.
        ExclusionNotOverError: its earliest end has not come; it is never shortened.
    """
    exclusion = Exclusion.objects.filter(pk=exclusion_id).first()
    if exclusion is None:
        raise NoExclusionError(f"There is no exclusion {exclusion_id}.")
    player = lock_player(exclusion.player_id)
    _check_may_end(exclusion, now)
    end = ExclusionEnd.objects.create(
        exclusion=exclusion,
        requested_at=now,
        effective_at=_cooled_off_at(exclusion, player, now),
        source=source,
        asked_by=asked_by,
        reason=reason,
    )
    record_audit(
        action=f"players.{exclusion.kind}.end_requested",
        actor=actor,
        subject=f"players.player:{player.pk}",
        details={
            "exclusion_id": exclusion.pk,
            "source": source,
            "effective_at": end.effective_at.isoformat(),
        },
        reason=reason,
        now=now,
    )
    return end


def lift_ended_exclusions(now: datetime) -> int:
    """Make players active again whose exclusions have ended, and return how many; safe to repeat.

    A player stays as they are while another exclusion holds, or where staff blocked them.
    """
    due = ExclusionEnd.objects.filter(lifted_at__isnull=True, effective_at__lte=now)
    ids = list(due.order_by("effective_at", "pk").values_list("pk", flat=True)[:500])
    return sum(_lift(end_id, now) for end_id in ids)


@transaction.atomic
def _lift(end_id: int, now: datetime) -> int:
    end = ExclusionEnd.objects.select_related("exclusion").get(pk=end_id)
    player = lock_player(end.exclusion.player_id)
    end.refresh_from_db(fields=["lifted_at"])
    if end.lifted_at is not None:
        return 0
    end.lifted_at = now
    end.save(update_fields=["lifted_at"])
    # Closed by a person, without an exclusion, is not reopened by another exclusion's end.
    if player.status != _STANDING.get(ExclusionKind(end.exclusion.kind)):
        return 0
    left = standing_left(player.pk, now)
    if left == player.status:
        return 0
    reason = f"Exclusion {end.exclusion_id} has ended: {end.reason}"
    _set_standing(player, left, reason=reason, now=now)
    record_audit(
        action=f"players.{end.exclusion.kind}.lifted",
        actor=None,
        subject=f"players.player:{player.pk}",
        details={"exclusion_id": end.exclusion_id, "status": left.value},
        now=now,
    )
    return 1


def standing_left(player_id: int, now: datetime) -> PlayerStatus:
    """Return the standing that the exclusions in force give a player; active where none holds."""
    kinds = {ExclusionKind(one.kind) for one in exclusions_in_force(player_id, now)}
    return max(
        (status for kind in kinds if (status := _STANDING.get(kind))),
        key=_GRAVITY.index,
        default=PlayerStatus.ACTIVE,
    )


def _check_period(
    kind: ExclusionKind, ends_at: datetime | None, jurisdiction: str, now: datetime
) -> None:
    if ends_at is not None and ends_at <= now:
        raise ExclusionPeriodError("An exclusion ends after it starts.")
    if kind == ExclusionKind.TIME_OUT and ends_at is None:
        raise ExclusionPeriodError("A time-out needs an end; a self-exclusion may do without.")
    if kind == ExclusionKind.CLOSURE and ends_at is not None:
        raise ExclusionPeriodError("A closure has no end of its own; a time-out has.")
    shortest = _shortest(jurisdiction, now.astimezone(UTC).date())
    if kind == ExclusionKind.SELF_EXCLUSION and ends_at is not None and ends_at < now + shortest:
        raise ExclusionTooShortError(
            f"In {jurisdiction} a self-exclusion lasts at least {shortest.days} days. "
            "A time-out may be shorter."
        )


def _shortest(jurisdiction: str, on: date) -> timedelta:
    return rules.hours_or_days(RuleKind.SELF_EXCLUSION_MINIMUM, jurisdiction, on)


def _ending(kind: ExclusionKind, jurisdiction: str, on: date) -> Ending:
    if kind == ExclusionKind.TIME_OUT:
        return Ending.LAPSES
    return Ending.NEVER if rules.is_never_reopened(jurisdiction, on) else Ending.ON_REQUEST


def _earliest_end(
    kind: ExclusionKind,
    ending: Ending,
    ends_at: datetime | None,
    jurisdiction: str,
    now: datetime,
) -> datetime | None:
    if ending == Ending.NEVER:
        return None
    if ends_at is not None:
        return ends_at
    if kind == ExclusionKind.CLOSURE:
        return now
    return now + _shortest(jurisdiction, now.astimezone(UTC).date())


def _check_may_end(exclusion: Exclusion, now: datetime) -> None:
    if exclusion.ending == Ending.LAPSES:
        if exclusion.ends_at is not None and exclusion.ends_at <= now:
            raise NoExclusionError("This time-out is over already.")
        raise ExclusionNotOverError("A time-out lapses at its end and is not shortened.")
    if exclusion.ending == Ending.NEVER or exclusion.earliest_end_at is None:
        raise ExclusionIsForeverError(
            "The jurisdiction's rule says that this account is never reopened."
        )
    if ExclusionEnd.objects.filter(exclusion=exclusion).exists():
        raise ExclusionAlreadyEndedError("Its end was asked for before.")
    if now < exclusion.earliest_end_at:
        raise ExclusionNotOverError(
            f"It can be ended from {exclusion.earliest_end_at:%Y-%m-%d %H:%M} UTC on, not before."
        )


def _cooled_off_at(exclusion: Exclusion, player: Player, now: datetime) -> datetime:
    """Return when an end that is asked for now lets go.

    After a move not sooner than if it had been asked for in the last moment at the old place.
    """
    kind = (
        RuleKind.REMOVAL_DELAY_INDEFINITE if exclusion.ends_at is None else RuleKind.REMOVAL_DELAY
    )
    asked = [(player.jurisdiction, now)] + [(m.left, m.moved_at) for m in moves_of(player.pk)]
    return max(
        at + rules.hours_or_days(kind, place, at.astimezone(UTC).date()) for place, at in asked
    )


def _graver(player: Player, wanted: PlayerStatus | None) -> PlayerStatus:
    """Return the standing to set: never a lesser one, and a block by staff stays a block."""
    standing = PlayerStatus(player.status)
    if standing == PlayerStatus.BLOCKED:
        return standing
    return max(standing, wanted or standing, key=_GRAVITY.index)


def _set_standing(
    player: Player,
    status: PlayerStatus,
    *,
    actor: AbstractBaseUser | None = None,
    reason: str,
    now: datetime,
) -> None:
    if player.status == status:
        return
    player.status = status
    note_edit(player, acting_user=actor, reason=reason, now=now)
    player.save(update_fields=["status"])
