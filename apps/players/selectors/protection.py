"""How a player's protection stands: what holds, what is used, what waits."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection
from django.db.models import F, Q, QuerySet

from apps.core.money import display_money
from apps.players.contracts import LimitUse, PlayerRef, ProtectionReason
from apps.players.enums import CheckKind, Ending, LimitKind, Measure
from apps.players.models import (
    Exclusion,
    ExclusionEnd,
    Limit,
    ProtectionCheck,
    RefusalTally,
    RuleCheck,
)
from apps.players.protection import (
    EXCLUSION_CODES,
    STATUS_CODES,
    ProtectionState,
    exceeds_limit,
    used_of,
)
from apps.players.selectors.batches import load_protection
from apps.players.selectors.identification import identification_reasons


def protection_of(player_id: int, now: datetime) -> ProtectionState:
    """Return one player's protection as the gateway would load it."""
    with connection.cursor() as cursor:
        protection = load_protection(cursor, [player_id], now)
    return protection.states.get(player_id, ProtectionState(as_of=now))


def exclusions_in_force(player_id: int, now: datetime) -> list[Exclusion]:
    """Return the exclusions that hold now, the oldest first, each with its end if one was asked."""
    over = Q(ending=Ending.LAPSES, ends_at__lte=now) | Q(end__effective_at__lte=now)
    rows = Exclusion.objects.filter(player_id=player_id, starts_at__lte=now).exclude(over)
    return list(rows.select_related("end").order_by("starts_at", "pk"))


def protection_reasons(player: PlayerRef, now: datetime) -> list[ProtectionReason]:
    """Return every reason why the player may not start to play now; empty where they may."""
    state = protection_of(player.id, now)
    reasons = [
        *_standing_reasons(player, now),
        *identification_reasons(player, CheckKind.LAUNCH, now),
    ]
    for measure in (Measure.WAGER, Measure.LOSS, Measure.TIME):
        if exceeds_limit(state, measure, 1, now):
            text = f"A {measure.value} limit is used up."
            reasons.append(ProtectionReason(f"{measure.value}_limit", text))
    return reasons


def deposit_reasons(player: PlayerRef, amount_minor: int, now: datetime) -> list[ProtectionReason]:
    """Return every reason why the player may not pay the amount in now; empty where they may."""
    reasons = [
        *_standing_reasons(player, now),
        *identification_reasons(player, CheckKind.DEPOSIT, now),
    ]
    if exceeds_limit(protection_of(player.id, now), Measure.DEPOSIT, amount_minor, now):
        text = "The deposit would pass a deposit limit."
        reasons.append(ProtectionReason("deposit_limit", text))
    return reasons


def _standing_reasons(player: PlayerRef, now: datetime) -> list[ProtectionReason]:
    exclusions = exclusions_in_force(player.id, now)
    reasons = [_exclusion_reason(one) for one in exclusions]
    status_code = STATUS_CODES.get(player.status, "")
    if player.status != "active" and status_code not in {reason.code for reason in reasons}:
        text = f"The player's standing is {player.status.replace('_', ' ')}."
        reasons.append(ProtectionReason(status_code or "player_blocked", text))
    return reasons


def limit_use(player_id: int, now: datetime) -> list[LimitUse]:
    """Return the limits that hold now or wait, each with what is used of its window."""
    state = protection_of(player_id, now)
    not_over = Q(effective_until__isnull=True) | Q(effective_until__gt=now)
    rows = Limit.objects.filter(not_over, player_id=player_id, cancelled_at__isnull=True)
    return [
        LimitUse(
            kind=row.kind,
            source=row.source,
            allowed=(row.amount_minor if row.minutes is None else row.minutes) or 0,
            used=used_of(state, LimitKind(row.kind)) if LimitKind(row.kind).is_used_up else None,
            effective_from=row.effective_from,
            effective_until=row.effective_until,
        )
        for row in rows.order_by("kind", "effective_from", "pk")
    ]


def display_limit(kind: str, amount: int, currency: str) -> str:
    """Write what a limit allows or what is used of it, with its unit."""
    if LimitKind(kind).is_in_minutes:
        return f"{amount:,} min"
    return display_money(amount, currency)


def all_exclusions(player_id: int) -> QuerySet[Exclusion]:
    rows = Exclusion.objects.filter(player_id=player_id).select_related("end")
    return rows.order_by("-starts_at", "-pk")


def latest_checks(player_id: int, count: int) -> Sequence[ProtectionCheck]:
    rows = ProtectionCheck.objects.filter(player_id=player_id)
    return list(rows.order_by("-checked_at", "-pk")[:count])


def latest_refusals(player_id: int, count: int) -> Sequence[RefusalTally]:
    rows = RefusalTally.objects.filter(player_id=player_id)
    return list(rows.order_by("-hour", "code")[:count])


def past_limits(player_id: int, now: datetime, count: int) -> Sequence[Limit]:
    """Return limits that are over or were cancelled, the latest first."""
    over = Q(effective_until__lte=now) | Q(cancelled_at__isnull=False)
    rows = Limit.objects.filter(over, player_id=player_id)
    return list(rows.order_by(F("effective_until").desc(nulls_last=True), "-pk")[:count])


def last_rule_checks() -> dict[str, RuleCheck]:
    """Return the latest check of each rule and support link, by its id."""
    rows = RuleCheck.objects.order_by("rule_id", "-checked_on", "-pk").distinct("rule_id")
    return {row.rule_id: row for row in rows}


def exclusion_lets_go_at(exclusion: Exclusion) -> datetime | None:
    """Return when an exclusion lets go of itself; None for one that nobody has ended yet."""
    end: ExclusionEnd | None = getattr(exclusion, "end", None)
    if end is not None:
        return end.effective_at
    return exclusion.ends_at if exclusion.ending == Ending.LAPSES else None


def _exclusion_reason(exclusion: Exclusion) -> ProtectionReason:
    until = exclusion_lets_go_at(exclusion)
    lasts = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "until it is ended"
    if exclusion.ending == Ending.NEVER:
        lasts = "for good"
    label = exclusion.get_kind_display()
    return ProtectionReason(EXCLUSION_CODES[exclusion.kind], f"{label} {lasts}.", until)
