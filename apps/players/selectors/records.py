"""Everything recorded for protection, of one kind or all, as one list in the order it happened."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet

from apps.core.admin.columns import display_at
from apps.core.money import display_money
from apps.players.contracts import REHEARSAL_JURISDICTION, ProtectionRecordRow
from apps.players.enums import ExclusionKind, LimitKind, RecordKind, Source
from apps.players.models import (
    Exclusion,
    ExclusionEnd,
    Limit,
    Move,
    ProtectionCheck,
    RealityCheck,
)
from apps.players.selectors.protection import display_limit


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """What is looked for; ``until`` is not included, an empty reference means every person.

    The acceptance kit's players are nobody: only their own reference finds them.
    """

    since: datetime
    until: datetime
    player_ref: str = ""
    kind: str = ""


def protection_records(wanted: RecordFilter, *, limit: int) -> list[ProtectionRecordRow]:
    """Return the newest ``limit`` records, the newest first."""
    makers = [_MAKERS[RecordKind(wanted.kind)]] if wanted.kind else list(_MAKERS.values())
    rows = [row for maker in makers for row in maker(wanted, limit)]
    rows.sort(key=lambda row: (row.at, row.kind, row.row_id), reverse=True)
    return rows[:limit]


def _found(
    rows: QuerySet[Any], wanted: RecordFilter, moment: str, limit: int, player: str = "player"
) -> QuerySet[Any]:
    rows = rows.filter(**{f"{moment}__gte": wanted.since, f"{moment}__lt": wanted.until})
    if wanted.player_ref:
        rows = rows.filter(**{f"{player}__player_ref": wanted.player_ref})
    else:
        rows = rows.exclude(**{f"{player}__jurisdiction": REHEARSAL_JURISDICTION})
    return rows.select_related(player).order_by(f"-{moment}", "-pk")[:limit]


def _checks(wanted: RecordFilter, limit: int) -> Iterator[ProtectionRecordRow]:
    for check in _found(ProtectionCheck.objects.all(), wanted, "checked_at", limit):
        answer = "allowed" if check.is_allowed else f"refused: {', '.join(check.codes)}"
        yield ProtectionRecordRow(
            at=check.checked_at,
            player_id=check.player_id,
            player_ref=check.player.player_ref,
            kind=RecordKind.CHECK,
            what=f"{check.get_kind_display()}, {check.jurisdiction}: {answer}",
            who="system",
            basis=f"looked at {', '.join(check.basis.get('looked_at', [])) or 'standing'}",
            row_id=check.pk,
        )


def _exclusions(
    wanted: RecordFilter, limit: int, *, closures: bool
) -> Iterator[ProtectionRecordRow]:
    rows = Exclusion.objects.filter(kind=ExclusionKind.CLOSURE)
    if not closures:
        rows = Exclusion.objects.exclude(kind=ExclusionKind.CLOSURE)
    for one in _found(rows, wanted, "starts_at", limit):
        until = f"until {display_at(one.ends_at)}" if one.ends_at else "without an end"
        yield ProtectionRecordRow(
            at=one.starts_at,
            player_id=one.player_id,
            player_ref=one.player.player_ref,
            kind=RecordKind.CLOSURE if closures else RecordKind.EXCLUSION,
            what=f"{one.get_kind_display()}, {until}",
            who=one.asked_by,
            basis=one.reason,
            row_id=one.pk,
        )


def _only_exclusions(wanted: RecordFilter, limit: int) -> Iterator[ProtectionRecordRow]:
    return _exclusions(wanted, limit, closures=False)


def _closures(wanted: RecordFilter, limit: int) -> Iterator[ProtectionRecordRow]:
    return _exclusions(wanted, limit, closures=True)


def _ends(wanted: RecordFilter, limit: int) -> Iterator[ProtectionRecordRow]:
    found = _found(
        ExclusionEnd.objects.select_related("exclusion"),
        wanted,
        "requested_at",
        limit,
        "exclusion__player",
    )
    for end in found:
        yield ProtectionRecordRow(
            at=end.requested_at,
            player_id=end.exclusion.player_id,
            player_ref=end.exclusion.player.player_ref,
            kind=RecordKind.END,
            what=f"End of {end.exclusion.get_kind_display().lower()}, "
            f"lets go at {display_at(end.effective_at)}",
            who=end.asked_by,
            basis=end.reason,
            row_id=end.pk,
        )


_STEPS: Final = {"+": "set", "~": "changed", "-": "removed"}


def _limits(wanted: RecordFilter, limit: int) -> Iterator[ProtectionRecordRow]:
    for version in _found(Limit.history.all(), wanted, "history_date", limit):
        amount = version.amount_minor if version.minutes is None else version.minutes
        step = "cancelled" if version.cancelled_at else _STEPS[version.history_type]
        until = f", until {display_at(version.effective_until)}" if version.effective_until else ""
        yield ProtectionRecordRow(
            at=version.history_date,
            player_id=version.player_id,
            player_ref=version.player.player_ref,
            kind=RecordKind.LIMIT,
            what=f"{LimitKind(version.kind).label} {step}: "
            f"{display_limit(version.kind, amount or 0, version.player.currency)} from "
            f"{display_at(version.effective_from)}{until}",
            who=version.asked_by or Source(version.source).label,
            basis=version.reason,
            row_id=version.history_id,
        )


def _reality_checks(wanted: RecordFilter, limit: int) -> Iterator[ProtectionRecordRow]:
    for one in _found(RealityCheck.objects.all(), wanted, "happened_at", limit):
        yield ProtectionRecordRow(
            at=one.happened_at,
            player_id=one.player_id,
            player_ref=one.player.player_ref,
            kind=RecordKind.REALITY_CHECK,
            what=f"{one.get_step_display()} after {one.minutes_played} minutes: "
            f"{_figures(one, one.player.currency)}",
            who="player" if one.step != "shown" else "system",
            basis=f"session {one.session_ref}",
            row_id=one.pk,
        )


def _moves(wanted: RecordFilter, limit: int) -> Iterator[ProtectionRecordRow]:
    for move in _found(Move.objects.all(), wanted, "moved_at", limit):
        yield ProtectionRecordRow(
            at=move.moved_at,
            player_id=move.player_id,
            player_ref=move.player.player_ref,
            kind=RecordKind.MOVE,
            what=f"From {move.left} to {move.entered}, "
            f"no limit is raised before {display_at(move.raises_held_until)}",
            who=Source.OPERATOR.label,
            basis=f"the delay of {move.left}",
            row_id=move.pk,
        )


def _figures(check: RealityCheck, currency: str) -> str:
    net = display_money(check.won_minor - check.staked_minor, currency)
    staked, won = (display_money(each, currency) for each in (check.staked_minor, check.won_minor))
    return f"staked {staked}, won {won}, net {net}"


type _Maker = Callable[[RecordFilter, int], Iterator[ProtectionRecordRow]]

_MAKERS: Final[dict[RecordKind, _Maker]] = {
    RecordKind.CHECK: _checks,
    RecordKind.EXCLUSION: _only_exclusions,
    RecordKind.END: _ends,
    RecordKind.LIMIT: _limits,
    RecordKind.REALITY_CHECK: _reality_checks,
    RecordKind.CLOSURE: _closures,
    RecordKind.MOVE: _moves,
}
