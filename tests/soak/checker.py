"""What must be true of a run in the end. Pure: it sees the evidence and nothing else.

The numbers are those of the reliability reference, section 4.3. The provider's book is kept from
answers alone and ours is read from the tables, so the two can only agree by being right.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from apps.simulator.dialects.contract import Step
from tests.soak.contracts import (
    LEDGER_UNAVAILABLE,
    Entry,
    Evidence,
    Line,
    OurEvent,
    State,
    Variant,
)

DRAIN_SECONDS: Final = 60.0
_AFTER_KILL_SECONDS: Final = 6.0
_AFTER_DOWN_SECONDS: Final = 4.0
_MOST_TOLD: Final = 8
_MOST_MEGABYTES: Final = {"gateway": 300.0, "worker": 400.0, "relay": 300.0}
_MOST_GROWTH_MEGABYTES: Final = 60.0
_WARM_SECONDS: Final = 30.0
_UPSETS_GATEWAY: Final = frozenset({"gateway", "postgres", "postgres-away", "servers"})

type Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule: ``rule`` is its number, ``what`` the first that broke it."""

    rule: str
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of the check; ``lost``, ``extra`` and ``differing`` count operations."""

    findings: tuple[Finding, ...]
    lost: int
    extra: int
    differing: int
    compared: int

    @property
    def holds(self) -> bool:
        return not self.findings


class Checker:
    """Checks one run's evidence, rule by rule."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._ours = {(event.provider, event.id): event for event in evidence.ours.events}
        self._theirs = {(entry.provider, entry.id): entry for entry in evidence.entries}
        self._lost: set[Key] = set()
        self._extra: set[Key] = set()
        self._differing: set[Key] = set()

    def check(self) -> Verdict:
        rules: dict[str, Callable[[], Iterator[str]]] = {
            "CK-1 the books are equal": self._books,
            "CK-2 what was acknowledged is there": self._acknowledged,
            "CK-3 what was refused stays out": self._refused,
            "CK-5 a repeat gets the first answer": self._repeats,
            "CK-6 the sums hold at every moment": self._sums,
            "CK-7 the ledger folds": self._fold,
            "CK-8 the balances are equal": self._balances,
            "CK-9 every effect happened once": self._effects,
            "CK-11 nothing was changed afterwards": self._unchanged,
            "CK-12 no error of ours without a fault": self._hygiene,
            "CK-13 all is done in time by itself": self._liveness,
        }
        findings = []
        for rule, found in rules.items():
            told = list(found())
            findings += [Finding(rule, what) for what in told[:_MOST_TOLD]]
            if len(told) > _MOST_TOLD:
                findings.append(Finding(rule, f"and {len(told) - _MOST_TOLD} more"))
        compared = sum(entry.moved_money for entry in self._evidence.entries)
        return Verdict(
            tuple(findings), len(self._lost), len(self._extra), len(self._differing), compared
        )

    def _books(self) -> Iterator[str]:
        standing = {key: entry for key, entry in self._theirs.items() if entry.moved_money}
        moved = {key: event for key, event in self._ours.items() if event.moved_money}
        for key in standing.keys() - moved.keys():
            self._lost.add(key)
            event = self._ours.get(key)
            ours = f"{event.status} {event.code} {event.money_state}" if event else "nothing"
            yield f"{_name(key)}: {_said(standing[key])} in their book, {ours} in ours"
        for key in moved.keys() - standing.keys():
            self._extra.add(key)
            entry = self._theirs.get(key)
            theirs = entry.state if entry else "nothing"
            yield f"{_name(key)}: money of ours, {theirs} in their book"
        for key in standing.keys() & moved.keys():
            if _content(standing[key]) != _content(moved[key]):
                self._differing.add(key)
                yield f"{_name(key)}: {_content(standing[key])} or {_content(moved[key])}"
            elif standing[key].net_minor != moved[key].net_minor:
                self._differing.add(key)
                yield (
                    f"{_name(key)}: {standing[key].net_minor} in their book, "
                    f"{moved[key].net_minor} by our ledger lines"
                )
        yield from self._without_trace()

    def _without_trace(self) -> Iterator[str]:
        """Find ledger lines of what doesn't stand: it must have come to nothing."""
        for key, event in self._ours.items():
            if not event.moved_money and event.net_minor:
                self._extra.add(key)
                yield f"{_name(key)}: {event.money_state}, yet its lines make {event.net_minor}"
        for subject in self._evidence.ours.stray_subjects:
            yield f"ledger lines of {subject}, which is no event"

    def _acknowledged(self) -> Iterator[str]:
        for line in self._evidence.history:
            key = (line.provider, line.op)
            is_claim = line.type == "ok" and line.variant == Variant.GENUINE
            if line.step == Step.BALANCE:
                continue  # a question; it leaves no event
            if is_claim and key not in self._ours and key not in self._lost:
                self._lost.add(key)
                yield f"{_name(key)}: answered with success at {line.at} s, and not stored"
            is_kept = line.is_parked and line.variant == Variant.GENUINE
            if is_kept and key not in self._ours and key not in self._lost:
                self._lost.add(key)
                yield f"{_name(key)}: answered as parked at {line.at} s, and never booked"

    def _refused(self) -> Iterator[str]:
        for key in self._evidence.forged_only & self._ours.keys():
            yield f"{_name(key)}: only ever forged, and stored"
        contradicted = set()
        for line in self._evidence.history:
            if line.variant == Variant.GENUINE:
                continue
            key = (line.provider, line.op)
            if line.type == "ok":
                yield f"{_name(key)}: {line.variant}, and answered with success at {line.at} s"
            if line.variant == Variant.CONFLICT and line.type == "fail":
                contradicted.add(key)
        for key in contradicted - self._evidence.ours.conflicts:
            yield f"{_name(key)}: contradicted itself, and no conflict is on record"

    def _repeats(self) -> Iterator[str]:
        answers: dict[Key, dict[str, Line]] = defaultdict(dict)
        for line in self._evidence.history:
            if line.essence and line.variant == Variant.GENUINE:
                answers[line.provider, line.op].setdefault(line.essence, line)
        for key, different in answers.items():
            if len(different) > 1:
                told = ", ".join(
                    f"{line.type} {line.status} {line.code} at {line.at} s"
                    for line in different.values()
                )
                yield f"{_name(key)}: {told}"

    def _sums(self) -> Iterator[str]:
        for sample in self._evidence.samples:
            for difference in sample.differences:
                yield f"at {sample.at} s: {difference}"

    def _fold(self) -> Iterator[str]:
        yield from self._evidence.ours.problems

    def _balances(self) -> Iterator[str]:
        believed = dict(self._evidence.openings)
        for entry in self._evidence.entries:
            if entry.moved_money:
                believed[entry.player] += entry.net_minor
        for player, balance in believed.items():
            ours = self._evidence.ours.balances.get(player, 0)
            if ours != balance:
                yield f"{player}: {balance} by the providers' books, {ours} with us"
        for provider, player, told in self._evidence.told:
            spendable = self._evidence.ours.spendable.get(player)
            if told != spendable:
                yield f"{player}: {provider} was told {told}, the ledger has {spendable}"

    def _effects(self) -> Iterator[str]:
        ours = self._evidence.ours
        if ours.outbox_waiting or ours.outbox_parked:
            yield f"{ours.outbox_waiting} outbox rows wait, {ours.outbox_parked} are parked"
        if ours.conflict_alerts != ours.conflict_events:
            yield f"{ours.conflict_events} conflicts to tell of made {ours.conflict_alerts} alerts"

    def _unchanged(self) -> Iterator[str]:
        most = max((sample.changed_rows for sample in self._evidence.samples), default=0)
        if most:
            yield f"{most} rows of transfers, seals or the audit chain were changed or deleted"

    def _hygiene(self) -> Iterator[str]:
        upset = self._upset()
        for line in self._evidence.history:
            if line.is_server_error and not upset(line.at) and not self._is_swept(line):
                yield (
                    f"{line.provider} {line.step} {line.op} ({line.variant}): HTTP {line.status} "
                    f"{line.code} at {line.at} s, with no fault near"
                )
        yield from self._memory()

    def _is_swept(self, line: Line) -> bool:
        """Tell whether we had lost the stake in a kill and told its provider to start again."""
        event = self._ours.get((line.provider, line.op))
        return event is not None and event.code == LEDGER_UNAVAILABLE

    def _upset(self) -> Callable[[float], bool]:
        """Return whether a moment lies within seconds of a kill that the gateway must feel."""
        kills, patience = self._evidence.kills, self._evidence.patience
        spans = [
            (kill.at - 0.5, kill.at + _AFTER_KILL_SECONDS * patience)
            for kill in kills
            if kill.kind in _UPSETS_GATEWAY
        ]
        began = [span[0] for span in spans]
        for since, until in self._evidence.watched.down:
            # Being down excuses nothing by itself: something must have been killed before.
            before = bisect_left(began, since + 1.0)
            if before and since - began[before - 1] < 3 * _AFTER_KILL_SECONDS * patience:
                spans.append((since - 2.5, until + _AFTER_DOWN_SECONDS * patience))
        return lambda at: any(since <= at <= until for since, until in spans)

    def _memory(self) -> Iterator[str]:
        for name, seen in self._evidence.watched.memory.items():
            lives: dict[int, list[tuple[float, float]]] = defaultdict(list)
            for at, pid, megabytes in seen:
                lives[pid].append((at, megabytes))
            for pid, sizes in lives.items():
                is_warm_at = sizes[0][0] + _WARM_SECONDS * self._evidence.patience
                warm = [size for at, size in sizes if at >= is_warm_at]
                most = max(size for _, size in sizes)
                if most > _MOST_MEGABYTES.get(name, most):
                    yield f"the {name} (process {pid}) took {most} MB"
                if warm and warm[-1] - warm[0] > _MOST_GROWTH_MEGABYTES:
                    yield f"the {name} (process {pid}) grew from {warm[0]} to {warm[-1]} MB"

    def _liveness(self) -> Iterator[str]:
        evidence = self._evidence
        if evidence.watched.drain_seconds > DRAIN_SECONDS * evidence.patience:
            yield f"draining took {evidence.watched.drain_seconds:.0f} s"
        if evidence.ours.unjudged:
            yield f"{evidence.ours.unjudged} deliveries are stored and not judged"
        if evidence.ours.spool_waiting or evidence.ours.spool_set_aside:
            yield (
                f"on disk {evidence.ours.spool_waiting} files wait and "
                f"{evidence.ours.spool_set_aside} were set aside"
            )
        for entry in evidence.entries:
            if entry.state == State.OPEN:
                key = (entry.provider, entry.id)
                yield f"{_name(key)}: {entry.kind} is still open with its provider"
        for name, state in evidence.watched.states.items():
            if state != "RUNNING":
                yield f"the {name} is {state}"


def check(evidence: Evidence) -> Verdict:
    """Return everything that a run broke; nothing, where it held."""
    return Checker(evidence).check()


def _content(side: Entry | OurEvent) -> tuple[str, str, str, int, int]:
    return (side.kind, side.player, side.currency, side.stake_minor, side.win_minor)


def _name(key: Key) -> str:
    return f"{key[0]} {key[1]}"


def _said(entry: Entry) -> str:
    return f"{entry.kind} of {entry.player}, {entry.net_minor} {entry.currency}, {entry.state}"
