"""Setting limits: lower at once, higher only after the jurisdiction's delay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Q, QuerySet

from apps.core.history import note_edit
from apps.core.services import publish, record_audit
from apps.players import rules
from apps.players.contracts import LimitChange, LimitRequest
from apps.players.enums import LimitKind, RuleKind
from apps.players.errors import (
    LimitAmountError,
    LimitUnchangedError,
    NoPendingLimitError,
    NoSuchLimitError,
)
from apps.players.events import RealityChecksMoved
from apps.players.locks import lock_player
from apps.players.models import Limit, Player
from apps.players.selectors.moves import raises_held_until


@dataclass(frozen=True, slots=True)
class _Edit:
    """Who changes limits, why and when, as their history keeps it."""

    actor: AbstractBaseUser | None
    reason: str
    now: datetime

    def save(self, limit: Limit, *fields: str) -> None:
        note_edit(limit, acting_user=self.actor, reason=self.reason, now=self.now)
        limit.save(update_fields=fields or None)


@transaction.atomic
def set_limit(
    request: LimitRequest, *, actor: AbstractBaseUser | None = None, now: datetime
) -> LimitChange:
    """Set, lower, raise or (with no amount) remove one source's limit of a kind.

    A first or lower limit holds from ``now`` and cancels a raise that waits. A raise or removal
    holds after the jurisdiction's delay and until then the old limit stands; asking again starts
    the delay anew. After a move nothing holds sooner than the last moment at the old place would
    have brought it. Locks the player.

    Raises:
        UnknownPlayerError: nobody has this id.
        LimitAmountError: the amount does not fit the kind.
        LimitUnchangedError: this limit is in force already and nothing waits to change it.
        NoSuchLimitError: there is nothing to remove.
    """
    kind = LimitKind(request.kind)
    wanted = _amount(kind, request)
    player = lock_player(request.player_id)
    standing = list(_standing(request.player_id, kind, request.source, now))
    current = min((_worth(one) for one in standing), default=None)
    if wanted is None and current is None:
        raise NoSuchLimitError(f"No limit is in force: {kind.label}.")
    has_pending = _pending(request.player_id, kind, request.source, now).exists() or any(
        one.effective_until is not None for one in standing
    )
    if wanted == current and not has_pending:
        raise LimitUnchangedError(f"This limit is in force already: {kind.label}.")
    waiting = [one.effective_until for one in standing if one.effective_until]
    edit = _Edit(actor, request.reason, now)
    _cancel(request.player_id, kind, request.source, edit)
    is_raise = current is not None and (wanted is None or wanted > current)
    effective_at = _raised_at(player, waiting, now) if is_raise else now
    limit = None
    if wanted != current:
        # Added first: what takes over from the old limit is there when the old one is ended.
        limit = _add(player, kind, request, effective_at, edit) if wanted is not None else None
        _end(standing, effective_at, edit)
    _tell(player, kind, now)
    record_audit(
        action="players.limit.set",
        actor=actor,
        subject=f"players.player:{player.pk}",
        details={
            "kind": kind.value,
            "amount": wanted,
            "before": current,
            "source": request.source,
            "effective_at": effective_at.isoformat(),
        },
        reason=request.reason,
        now=now,
    )
    return LimitChange(kind.value, limit.pk if limit else None, effective_at, is_raise)


@transaction.atomic
def cancel_pending_limit(
    player_id: int,
    kind: str,
    *,
    source: str,
    reason: str,
    actor: AbstractBaseUser | None = None,
    now: datetime,
) -> None:
    """Cancel a raise or removal that waits; the limit in force goes on. Locks the player.

    Raises:
        UnknownPlayerError: nobody has this id.
        NoPendingLimitError: nothing waits.
    """
    player = lock_player(player_id)
    if not _cancel(player_id, LimitKind(kind), source, _Edit(actor, reason, now)):
        raise NoPendingLimitError(f"No change waits: {LimitKind(kind).label}.")
    _tell(player, LimitKind(kind), now)
    record_audit(
        action="players.limit.cancelled",
        actor=actor,
        subject=f"players.player:{player.pk}",
        details={"kind": kind, "source": source},
        reason=reason,
        now=now,
    )


def _raised_at(player: Player, waiting: Sequence[datetime], now: datetime) -> datetime:
    """Return from when a raise or removal holds that is asked for now."""
    delay = rules.hours_or_days(
        RuleKind.LIMIT_INCREASE_DELAY, player.jurisdiction, now.astimezone(UTC).date()
    )
    return max(now + delay, *waiting, raises_held_until(player.pk) or now)


def put_off_pending_raises(player: Player, place: str, *, now: datetime) -> int:
    """Put off what waits when a player moves to a place with a longer delay; return how much.

    A shorter delay brings nothing forward, so that the stricter of both holds. Call it under the
    player's lock, before the player is saved with the new place.
    """
    today = now.astimezone(UTC).date()
    before, after = (
        rules.hours_or_days(RuleKind.LIMIT_INCREASE_DELAY, each, today)
        for each in (player.jurisdiction, place)
    )
    if after <= before:
        return 0
    edit = _Edit(None, f"The player moved to {place}.", now)
    waiting = Limit.objects.filter(player=player, cancelled_at__isnull=True)
    ending = list(waiting.filter(effective_from__lte=now, effective_until__gt=now).order_by("pk"))
    pending = list(waiting.filter(effective_from__gt=now).order_by("pk"))
    for limit in ending:
        limit.effective_until = (limit.effective_until or now) + (after - before)
        edit.save(limit, "effective_until")
    for limit in pending:
        # The terms of a row never change: the raise is cancelled and waits again as a new row.
        limit.cancelled_at = now
        edit.save(limit, "cancelled_at")
        again = Limit(
            player=player,
            kind=limit.kind,
            amount_minor=limit.amount_minor,
            minutes=limit.minutes,
            effective_from=limit.effective_from + (after - before),
            source=limit.source,
            asked_by=limit.asked_by,
            reason=limit.reason,
        )
        edit.save(again)
    for kind in {limit.kind for limit in (*ending, *pending)}:
        _tell(player, LimitKind(kind), now)
    return len(ending) + len(pending)


def _amount(kind: LimitKind, request: LimitRequest) -> int | None:
    wanted, other = (
        (request.minutes, request.amount_minor)
        if kind.is_in_minutes
        else (request.amount_minor, request.minutes)
    )
    least = 1 if kind == LimitKind.REALITY_CHECK else 0
    if other is not None or (wanted is not None and wanted < least):
        unit = "minutes" if kind.is_in_minutes else "an amount of money"
        raise LimitAmountError(f"{kind.label}: give {unit}, {'one' if least else 'zero'} or more.")
    return wanted


def _tell(player: Player, kind: LimitKind, now: datetime) -> None:
    """Let open sessions learn when their next reality check is due."""
    if kind == LimitKind.REALITY_CHECK:
        publish(RealityChecksMoved(player_id=player.pk), now=now)


def _own(player_id: int, kind: LimitKind, source: str) -> QuerySet[Limit]:
    return Limit.objects.filter(
        player_id=player_id, kind=kind, source=source, cancelled_at__isnull=True
    )


def _standing(player_id: int, kind: LimitKind, source: str, now: datetime) -> QuerySet[Limit]:
    in_force = Q(effective_until__isnull=True) | Q(effective_until__gt=now)
    return _own(player_id, kind, source).filter(in_force, effective_from__lte=now).order_by("pk")


def _pending(player_id: int, kind: LimitKind, source: str, now: datetime) -> QuerySet[Limit]:
    return _own(player_id, kind, source).filter(effective_from__gt=now).order_by("pk")


def _worth(limit: Limit) -> int:
    return (limit.amount_minor if limit.minutes is None else limit.minutes) or 0


def _cancel(player_id: int, kind: LimitKind, source: str, edit: _Edit) -> bool:
    """Cancel what waits and let the limit in force go on; tell whether there was any."""
    found = False
    for pending in _pending(player_id, kind, source, edit.now):
        pending.cancelled_at = edit.now
        edit.save(pending, "cancelled_at")
        found = True
    standing = _standing(player_id, kind, source, edit.now)
    for ending in standing.filter(effective_until__isnull=False):
        ending.effective_until = None
        edit.save(ending, "effective_until")
        found = True
    return found


def _end(standing: list[Limit], at: datetime, edit: _Edit) -> None:
    for limit in standing:
        if limit.effective_from == at:
            # Set and lowered in the same moment: the higher row never decides, the lower one does.
            continue
        limit.effective_until = at
        edit.save(limit, "effective_until")


def _add(
    player: Player, kind: LimitKind, request: LimitRequest, at: datetime, edit: _Edit
) -> Limit:
    limit = Limit(
        player=player,
        kind=kind,
        amount_minor=request.amount_minor,
        minutes=request.minutes,
        effective_from=at,
        source=request.source,
        asked_by=request.asked_by,
        reason=request.reason,
    )
    edit.save(limit)
    return limit
