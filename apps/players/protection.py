"""Whether a player may stake now: pure, over facts loaded once for a whole batch.

Only new stakes are asked about. Wins, rollbacks and every other movement in the player's favour
are never refused; they are counted, so that a limit knows what was won and what was taken back.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

from apps.core.jurisdictions import day_in
from apps.players import rules
from apps.players.enums import ExclusionKind, LimitKind, Measure, Window

WINDOW_HOURS: Final = {Window.DAY: 24, Window.WEEK: 7 * 24, Window.MONTH: 31 * 24}
SLOT_MINUTES: Final = 5
_HOUR: Final = timedelta(hours=1)

STATUS_CODES: Final = {
    "closed": "account_closed",
    "self_excluded": "self_excluded",
    "blocked": "player_blocked",
}
EXCLUSION_CODES: Final = {
    ExclusionKind.CLOSURE.value: "account_closed",
    ExclusionKind.SELF_EXCLUSION.value: "self_excluded",
    ExclusionKind.TIME_OUT.value: "time_out",
}
_STANDING_ORDER: Final = ("account_closed", "self_excluded", "time_out", "player_blocked")


class ProtectionNotLoadedError(LookupError):
    """A stake is judged for a player whose protection was not loaded: a bug, never a yes."""


@dataclass(frozen=True, slots=True)
class Term:
    """An exclusion or a limit with the time in which it holds; the end is not part of it."""

    kind: str
    starts_at: datetime
    ends_at: datetime | None
    amount: int = 0

    def holds_at(self, now: datetime) -> bool:
        return self.starts_at <= now and (self.ends_at is None or now < self.ends_at)


@dataclass(slots=True)
class Used:
    """What a window holds so far, in minor units."""

    staked_minor: int = 0
    won_minor: int = 0
    deposited_minor: int = 0


@dataclass(slots=True)
class ProtectionState:
    """What protects one player, loaded at ``as_of``; the batch carries its own stakes forward."""

    status: str = "active"
    jurisdiction: str = ""
    currency: str = ""
    born: date | None = None
    exclusions: list[Term] = field(default_factory=list)
    limits: list[Term] = field(default_factory=list)
    used: dict[Window, Used] = field(default_factory=dict)
    played: set[datetime] = field(default_factory=set)
    as_of: datetime | None = None

    def count(self, at: datetime, staked_minor: int, won_minor: int) -> None:
        """Carry money of this batch into each window that its hour belongs to."""
        if self.as_of is None:
            return
        hour = hour_of(at)
        for window, used in self.used.items():
            if hour > window_start(window, self.as_of):
                used.staked_minor += staked_minor
                used.won_minor += won_minor


@dataclass(slots=True)
class Tally:
    """What a batch adds to one hour of a player; ``slots`` has a bit per five minutes of play."""

    staked_minor: int = 0
    won_minor: int = 0
    deposited_minor: int = 0
    slots: int = 0
    checks: int = 0


@dataclass(slots=True)
class Protection:
    """The protection of every player in a batch, and what the batch adds to their hours."""

    states: dict[int, ProtectionState] = field(default_factory=dict)
    loaded: frozenset[int] = frozenset()
    tallies: dict[tuple[int, datetime], Tally] = field(default_factory=dict)
    refusals: Counter[tuple[int, datetime, str]] = field(default_factory=Counter)

    def refusal(
        self,
        player_id: int,
        *,
        stake_minor: int,
        category: str,
        now: datetime,
        cycle_minor: int = 0,
    ) -> str:
        """Return the code that refuses a new stake or an empty string, and count the check.

        Raises:
            ProtectionNotLoadedError: nobody looked this player up; no stake is taken blindly.
        """
        state = self._state(player_id)
        code = ""
        if state is not None:
            code = refusal(
                state,
                stake_minor=stake_minor,
                category=category,
                now=now,
                cycle_minor=cycle_minor,
            )
        self._tally(player_id, now).checks += 1
        if code:
            self.refusals[player_id, hour_of(now), code] += 1
        return code

    def count(
        self,
        player_id: int,
        *,
        at: datetime,
        played_at: datetime | None = None,
        staked_minor: int = 0,
        won_minor: int = 0,
        deposited_minor: int = 0,
    ) -> None:
        """Count money that was taken or paid at a moment; negative amounts take it back.

        A rolled back bet names the moment it was counted at, so it leaves that hour. Where a stake
        was played at another moment than it is counted at, ``played_at`` says when. The time
        played stays: it was played.
        """
        tally = self._tally(player_id, at)
        tally.staked_minor += staked_minor
        tally.won_minor += won_minor
        tally.deposited_minor += deposited_minor
        state = self.states.get(player_id)
        if state is not None:
            state.count(at, staked_minor, won_minor)
        if staked_minor > 0:
            played_at = played_at or at
            self._tally(player_id, played_at).slots |= 1 << (played_at.minute // SLOT_MINUTES)
            if state is not None:
                state.played.add(slot_of(played_at))

    def standing(self, player_id: int, now: datetime) -> str:
        """Return the code that keeps the player out altogether, or an empty string."""
        state = self._state(player_id)
        return "" if state is None else standing_code(state, now)

    def _state(self, player_id: int) -> ProtectionState | None:
        """Return what protects a player; None where the look-up found nothing."""
        if player_id not in self.loaded:
            raise ProtectionNotLoadedError(player_id)
        return self.states.get(player_id)

    def _tally(self, player_id: int, at: datetime) -> Tally:
        return self.tallies.setdefault((player_id, hour_of(at)), Tally())


def refusal(
    state: ProtectionState,
    *,
    stake_minor: int,
    category: str,
    now: datetime,
    cycle_minor: int = 0,
) -> str:
    """Return the code that refuses a new stake, or an empty string.

    ``cycle_minor`` is what already stands in the same game cycle: a cap on the cycle can't be
    passed in two steps.
    """
    code = standing_code(state, now)
    if code:
        return code
    if exceeds_cap(state, cycle_minor + stake_minor, category, now):
        return "stake_cap"
    checks = (
        ("wager_limit", Measure.WAGER),
        ("loss_limit", Measure.LOSS),
        ("time_limit", Measure.TIME),
    )
    return next(
        (code for code, measure in checks if exceeds_limit(state, measure, stake_minor, now)), ""
    )


def standing_code(state: ProtectionState, now: datetime) -> str:
    """Return the gravest code that keeps the player out altogether, or an empty string."""
    found = {EXCLUSION_CODES[term.kind] for term in state.exclusions if term.holds_at(now)}
    if state.status != "active":
        found.add(STATUS_CODES.get(state.status, "player_blocked"))
    return next((code for code in _STANDING_ORDER if code in found), "")


def exceeds_cap(state: ProtectionState, cycle_minor: int, category: str, now: datetime) -> bool:
    if cycle_minor <= 0:
        return False
    cap = rules.stake_cap(
        state.jurisdiction,
        state.currency,
        category,
        born=state.born,
        on=day_in(state.jurisdiction, now),
    )
    return cap is not None and cycle_minor > cap


def exceeds_limit(
    state: ProtectionState, measure: Measure, amount_minor: int, now: datetime
) -> bool:
    """Tell whether the amount would pass any limit of the measure; the lowest one decides.

    A stake counts as lost until it wins. A begun block of play time counts in full, so time is up
    when the blocks played fill the limit.
    """
    for term in state.limits:
        kind = LimitKind(term.kind)
        if kind.measure != measure or not term.holds_at(now):
            continue
        used = used_of(state, kind)
        is_over = (
            used >= term.amount if measure == Measure.TIME else used + amount_minor > term.amount
        )
        if is_over:
            return True
    return False


def used_of(state: ProtectionState, kind: LimitKind) -> int:
    """Return what is used of a limit's window: minor units, or minutes; a loss may be negative.

    Only for a kind that has a window.
    """
    used = state.used.get(kind.window, Used())
    match kind.measure:
        case Measure.WAGER:
            return used.staked_minor
        case Measure.LOSS:
            return used.staked_minor - used.won_minor
        case Measure.DEPOSIT:
            return used.deposited_minor
        case _:
            since = window_start(kind.window, state.as_of) if state.as_of else None
            blocks = sum(1 for slot in state.played if since is None or hour_of(slot) > since)
            return blocks * SLOT_MINUTES


def hour_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def slot_of(at: datetime) -> datetime:
    moment = at.astimezone(UTC)
    minute = moment.minute - moment.minute % SLOT_MINUTES
    return moment.replace(minute=minute, second=0, microsecond=0)


def window_start(window: Window, now: datetime) -> datetime:
    """Return the moment after which an hour must start to belong to the trailing window.

    An hour that reaches into the window counts in full: a limit never lets go too early.
    """
    return now - timedelta(hours=WINDOW_HOURS[window]) - _HOUR


def slots_of(hour: datetime, bits: int) -> Iterable[datetime]:
    """Return the moments at which the played blocks of an hour begin."""
    return (
        hour + timedelta(minutes=SLOT_MINUTES * place)
        for place in range(60 // SLOT_MINUTES)
        if bits >> place & 1
    )
