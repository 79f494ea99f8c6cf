"""A provider under fire: it plays its plan, by its own protocol's rules of asking again."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final
from uuid import NAMESPACE_OID, uuid5

from apps.simulator.dialects.contract import (
    Answer,
    Dialect,
    Move,
    Request,
    RunKey,
    Seat,
    Step,
    Verdict,
)
from tests.soak.book import Book
from tests.soak.contracts import LEDGER_UNAVAILABLE, Copy, Line, Op, RoundPlan, Variant
from tests.soak.essence import essence_of
from tests.soak.history import History
from tests.soak.plan import Planner, undo_of
from tests.soak.wire import Wire

_LONGEST_PAUSE: Final = 3.0
_STALE: Final = timedelta(minutes=11)
_SILENCE: Final = Answer(Verdict.RETRYABLE, "no_answer", None, 0, "", b"")


@dataclass(frozen=True, slots=True)
class Rules:
    """How a protocol deals with doubt. ``stake_attempts`` 0: it asks until it knows.

    ``doubtful``: the HTTP statuses after which a stake is taken back, 0 for silence; any other
    answer that isn't understood means to this provider that nothing was taken. None: all of them.
    ``trusts_parked``: what was played and is parked while the ledger is away isn't sent again.
    """

    answer_seconds: float
    stake_attempts: int
    doubtful: frozenset[int] | None = None
    trusts_parked: bool = False

    def leaves_doubt(self, answer: Answer) -> bool:
        if answer.verdict not in {Verdict.RETRYABLE, Verdict.PARKED}:
            return False
        return self.doubtful is None or answer.http_status in self.doubtful


RULES: Final = {
    # Everything is retried; what was played is never taken back for want of an answer.
    "native": Rules(answer_seconds=5, stake_attempts=0, trusts_parked=True),
    # A bet is never sent twice: after a time-out or a 500, and nothing else, it is refunded.
    "swipe": Rules(answer_seconds=5, stake_attempts=1, doubtful=frozenset({0, 200, 500})),
    # Three tries, then a rollback.
    "hub88": Rules(answer_seconds=2, stake_attempts=3),
    # Its text says nothing; ours tries again with the same id, then takes back.
    "iplaygames": Rules(answer_seconds=4, stake_attempts=4),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a provider sends to, with what key, and by which clock it lives."""

    code: str
    dialect: Dialect
    key: RunKey
    wire: Wire
    clock_offset: timedelta


class Provider:
    """One provider's operations, its book, and what the network does to its messages."""

    def __init__(self, place: Place, seats: dict[str, Seat], history: History, seed: int) -> None:
        self.place = place
        self.book = Book()
        self.forged_only: set[str] = set()
        self._seats = seats
        self._history = history
        self._rules = RULES[place.dialect.name]
        # Pauses only: what is played comes from the plan.
        self._rng = Random(f"{seed}:{place.code}")
        self._moves: dict[str, Move] = {}
        self._answered: list[Op] = []
        self._later: set[asyncio.Task[None]] = set()

    async def play(self, planner: Planner, stop: asyncio.Event, *, think_seconds: float) -> None:
        """Play one loop's rounds until told to stop; the round under way is finished."""
        for plan in planner.rounds():
            if stop.is_set():
                return
            await self._round(plan)
            with suppress(TimeoutError):
                pause = self._rng.expovariate(1 / think_seconds)
                await asyncio.wait_for(stop.wait(), pause)

    async def finish(self) -> None:
        """Let what is still on its way arrive."""
        while self._later:
            await asyncio.gather(*self._later)

    async def ask_again(self, most: int) -> None:
        """Send operations once more that were answered long ago."""
        chosen = self._rng.sample(self._answered, min(most, len(self._answered)))
        for op in chosen:
            await self._send(op, is_copy=True)

    async def balances(self) -> list[tuple[str, str, int | None]]:
        """Ask for each player's balance, where the protocol has a question for it."""
        if self.place.dialect.name == "native":
            return []
        told = []
        for player, seat in self._seats.items():
            question = Op(self.place.code, f"balance:{player}", Step.BALANCE, player, "", "")
            self._moves[question.id] = Move(Step.BALANCE, seat)
            answer = await self._send(question)
            told.append((self.place.code, player, answer.balance_minor))
        return told

    async def _round(self, plan: RoundPlan) -> None:
        if plan.is_shuffled:
            ops = (*plan.stakes, *plan.wins, *plan.undone)
            now = datetime.now(UTC) + self.place.clock_offset
            for number, op in enumerate(ops):
                # They happened in this order, in whatever order they arrive.
                self._move(op, now + timedelta(milliseconds=number))
            await asyncio.gather(*(self._settle(op) for op in ops))
            return
        standing = {stake.id for stake in plan.stakes if await self._stake(stake)}
        # What a plan takes back of a round played in one message comes after that message.
        is_played = bool(plan.undone) and not plan.stakes
        if is_played:
            await self._settle_all(plan.wins)
            standing = {op.id for op in plan.wins}
        undone = [op for op in plan.undone if op.target_id in standing]
        await self._settle_all(undone)
        standing -= {op.target_id for op in undone}
        if is_played or (plan.stakes and not standing):
            return
        await self._settle_all(
            [win for win in plan.wins if not win.target_id or win.target_id in standing]
        )

    async def _settle_all(self, ops: list[Op] | tuple[Op, ...]) -> None:
        await asyncio.gather(*(self._settle(op) for op in ops))

    async def _stake(self, op: Op) -> bool:
        """Ask for a stake; tell whether it stands. What is left in doubt is taken back."""
        if self._rules.stake_attempts == 0:
            return await self._settle(op)
        self.book.open(op)
        answer = await self._first(op)
        for _ in range(self._rules.stake_attempts - 1):
            if not self._rules.leaves_doubt(answer):
                break
            await asyncio.sleep(self._rng.uniform(0.2, 1.0))
            answer = await self._send(op)
        if answer.is_success:
            self.book.accept(op)
            await self._contradict(op)
            return True
        if self._rules.leaves_doubt(answer):
            await self._settle(undo_of(op))
        else:
            self.book.refuse(op)
        return False

    async def _settle(self, op: Op) -> bool:
        """Send until it is answered; tell whether it stands. Only a stake may be refused."""
        if op.faults.is_gap:
            self.book.leave_out(op)
            return True
        self.book.open(op)
        answer = await self._first(op)
        attempt = 0
        while not (answer.is_success or self._is_kept(op, answer)):
            if answer.verdict == Verdict.REFUSED and op.step == Step.STAKE:
                self.book.refuse(op)
                return False
            attempt += 1
            pause = min(_LONGEST_PAUSE, 0.2 * 2 ** min(attempt, 5))
            await asyncio.sleep(self._rng.uniform(pause / 2, pause))
            answer = await self._send(op)
        self.book.accept(op)
        await self._contradict(op)
        return True

    def _is_kept(self, op: Op, answer: Answer) -> bool:
        """Tell whether an operation was answered as durable, to be booked by us without a word."""
        is_parked = answer.verdict == Verdict.PARKED and answer.code == LEDGER_UNAVAILABLE
        return self._rules.trusts_parked and is_parked and op.step != Step.STAKE

    async def _first(self, op: Op) -> Answer:
        """Deliver for the first time, with everything that the plan lets go wrong."""
        faults = op.faults
        await asyncio.sleep(faults.hold_back)
        await self._damaged(op)
        if faults.overtaken:
            self._spawn(self._send_later(op, self._rng.uniform(1.0, 4.0), is_copy=False))
            return _SILENCE
        if faults.hangs_up:
            await self._hang_up(op)
            return _SILENCE
        if faults.copy == Copy.AT_ONCE:
            self._spawn(self._send_later(op, 0.0, is_copy=True))
        answer = await self._send(op)
        if faults.copy == Copy.LATER:
            self._spawn(self._send_later(op, faults.copy_after, is_copy=True))
        if answer.is_success or self._is_kept(op, answer):
            self._answered.append(op)
        return answer

    async def _damaged(self, op: Op) -> None:
        """Send what must never be taken, before the genuine message."""
        faults = op.faults
        if faults.is_forged:
            await self._send(op, variant=Variant.FORGED)
        if faults.is_forged_only:
            stranger = replace(op, id=_other_id(op))
            self.forged_only.add(stranger.id)
            await self._send(stranger, variant=Variant.FORGED)
        if faults.is_stale:
            await self._send(op, variant=Variant.STALE)
        if faults.is_malformed and op.moves and op.step != Step.PLAYED:
            await self._send(op, variant=Variant.MALFORMED)

    async def _contradict(self, op: Op) -> None:
        """Send another content under an id that was answered, until it is refused."""
        if not op.faults.has_conflict or not op.moves:
            return
        for _ in range(20):
            answer = await self._send(op, variant=Variant.CONFLICT)
            if answer.verdict not in {Verdict.RETRYABLE, Verdict.PARKED}:
                return
            await asyncio.sleep(0.5)

    async def _send_later(self, op: Op, seconds: float, *, is_copy: bool) -> None:
        await asyncio.sleep(seconds)
        await self._send(op, is_copy=is_copy)

    async def _hang_up(self, op: Op) -> None:
        request, headers, target = self._prepared(op, Variant.GENUINE)
        self._write("invoke", op, Variant.GENUINE, is_copy=False)
        await self.place.wire.send_and_hang_up(
            request.method, target, headers, request.body, after=self._rng.uniform(0, 0.02)
        )
        self._write("info", op, Variant.GENUINE, is_copy=False)

    async def _send(
        self, op: Op, *, variant: Variant = Variant.GENUINE, is_copy: bool = False
    ) -> Answer:
        request, headers, target = self._prepared(op, variant)
        self._write("invoke", op, variant, is_copy=is_copy)
        status, body = await self.place.wire.exchange(
            request.method,
            target,
            headers,
            request.body,
            seconds=self._rules.answer_seconds,
        )
        answer = _SILENCE
        if status:
            answer = self.place.dialect.read(self._moves[op.id], status, body)
        self._write(_TYPES[answer.verdict], op, variant, is_copy=is_copy, answer=answer)
        return answer

    def _prepared(self, op: Op, variant: Variant) -> tuple[Request, dict[str, str], str]:
        dialect, key = self.place.dialect, self.place.key
        now = datetime.now(UTC) + self.place.clock_offset
        move = self._changed(self._move(op, now), op, variant)
        request = dialect.write(move, key=key, now=now)
        signed_at = now - _STALE if variant == Variant.STALE else now
        headers = dialect.sign(request, key, now=signed_at)
        if variant == Variant.FORGED:
            name = dialect.signature_header
            headers[name] = headers[name][::-1]
        headers = {"content-type": "application/json", **request.headers, **headers}
        target = f"/callbacks/{self.place.code}/{request.path}"
        if request.query:
            target += "?" + request.query
        return request, headers, target

    def _changed(self, move: Move, op: Op, variant: Variant) -> Move:
        if variant == Variant.CONFLICT:
            more = {name: getattr(move, name) + 1 for name in ("amount_minor", "win_minor")}
            return replace(move, **more)
        if variant == Variant.MALFORMED:
            dialect = self.place.dialect
            name = dialect.win_field if op.win_minor else dialect.amount_field
            wrong = [value for value in dialect.malformed_amounts if value != "1.005"]
            return replace(move, fields={name: wrong[len(op.id) % len(wrong)]})
        return move

    def _move(self, op: Op, now: datetime) -> Move:
        """Return the message in neutral words: the same each time that it is asked for."""
        known = self._moves.get(op.id)
        if known is not None:
            return known
        seat = self._seats[op.player]
        is_played = op.step == Step.PLAYED
        move = Move(
            step=Step(op.step),
            seat=seat,
            tx_id=op.id,
            round_id=op.round_id,
            amount_minor=op.stake_minor if is_played else op.stated_minor,
            win_minor=op.win_minor if is_played else 0,
            target_id=op.target_id,
            closes=op.closes,
            is_free=op.is_free,
            campaign=op.campaign,
            before_minor=10**9,
            at=now,
        )
        self._moves[op.id] = move
        return move

    def _write(
        self, kind: str, op: Op, variant: Variant, *, is_copy: bool, answer: Answer = _SILENCE
    ) -> None:
        is_decisive = kind in {"ok", "fail"}
        self._history.write(
            Line(
                at=self._history.now(),
                type=kind,
                provider=op.provider,
                op=op.id,
                step=str(op.step),
                variant=str(variant),
                is_copy=is_copy,
                status=answer.http_status,
                code="" if kind == "invoke" else answer.code,
                essence=essence_of(self.place.dialect.name, answer) if is_decisive else "",
            )
        )

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)


_TYPES: Final = {
    Verdict.OK: "ok",
    Verdict.REPEAT: "ok",
    Verdict.REFUSED: "fail",
    Verdict.UNAUTHENTICATED: "fail",
    Verdict.PARKED: "info",
    Verdict.RETRYABLE: "info",
}


def _other_id(op: Op) -> str:
    if op.id.isdigit():
        return str(2**52 + int(op.id) % 2**40)
    return str(uuid5(NAMESPACE_OID, f"forged:{op.id}"))
