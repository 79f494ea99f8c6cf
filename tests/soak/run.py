"""One run from an empty database to the evidence: play under fire, heal, wait, read."""

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg
from django.conf import settings
from django.db import connection

from apps.core.embedded.paths import embedded_paths
from apps.core.embedded.supervisor import Stack
from apps.core.services.audit import verify_audit_chain
from apps.gateway.http.parking import spool_folder
from apps.gateway.services.holds import holds_out_of_step
from apps.wallet.services.proof import seal_transfers, verify_ledger
from tests.soak.checker import DRAIN_SECONDS
from tests.soak.contracts import Evidence, Ours, Watched
from tests.soak.evidence import HISTORY
from tests.soak.history import History, read_history
from tests.soak.ledger import on_disk, quiet, read_ours
from tests.soak.nemesis import Nemesis
from tests.soak.plan import Planner, SeatPlan, seats
from tests.soak.provider import Place, Provider
from tests.soak.stage import CLOCK_OFFSETS, Party, set_up
from tests.soak.watch import Prober, Sampler, connect
from tests.soak.wire import Wire

FORGETFUL_GATEWAY: Final = "forgetful-gateway"
_READY_SECONDS: Final = 180.0

type Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for: how long, by which seed, how hot."""

    seconds: float
    seed: int
    folder: Path
    mean_kill_seconds: float = 6.0
    think_seconds: float = 0.8
    patience: float = 1.0
    sabotage: str = ""


def soak(order: Order, tell: Tell) -> Evidence:
    """Run once and return the evidence; everything that was started is stopped again."""
    plans = seats()
    tell("setting up ...")
    parties = set_up(plans)
    stack = _sabotaged(order.sabotage)
    tell("starting the product ...")
    with stack, History(order.folder / HISTORY) as history:
        stack.wait_ready(_READY_SECONDS * order.patience)
        run = _Run(order, stack, history, parties, tell)
        history.begin()
        asyncio.run(run.play())
        run.drain()
        return run.evidence(plans)


def _sabotaged(sabotage: str) -> Stack:
    """Return the product's own stack, or one with a program that the soak must find out."""
    stack = Stack.from_settings()
    if sabotage == FORGETFUL_GATEWAY:
        command = (
            sys.executable,
            "-m",
            "tests.soak.forgetful_gateway",
            str(settings.PITBOSS_GATEWAY_PORT),
        )
        stack._programs = [
            replace(program, command=command) if program.name == "gateway" else program
            for program in stack._programs
        ]
    return stack


class _Run:
    def __init__(
        self, order: Order, stack: Stack, history: History, parties: list[Party], tell: Tell
    ) -> None:
        self._order = order
        self._stack = stack
        self._history = history
        self._parties = parties
        self._tell = tell
        self._paths = embedded_paths(settings.PITBOSS_DATA_DIR)
        self._wires = [self._wire() for _ in parties]
        self._providers = [
            self._provider(party, wire) for party, wire in zip(parties, self._wires, strict=True)
        ]
        self._prober = Prober(self._wire(), history.now)
        self._sampler = Sampler(stack, self._paths, history.now)
        self._nemesis = Nemesis(
            stack,
            self._paths,
            seed=order.seed,
            mean_seconds=order.mean_kill_seconds,
            clock=history.now,
        )
        self._told: list[tuple[str, str, int | None]] = []
        self._healed_at = 0.0
        self._drain_seconds = 0.0

    async def play(self) -> None:
        """Play under fire, then with all faults off until every provider knows where it stands."""
        stop, quiet_now = asyncio.Event(), asyncio.Event()
        self._sampler.start()
        self._nemesis.start()
        loops = [
            asyncio.create_task(
                provider.play(
                    Planner(seat, self._order.seed, loop),
                    stop,
                    think_seconds=self._order.think_seconds,
                )
            )
            for party, provider in zip(self._parties, self._providers, strict=True)
            for seat in party.plans
            for loop in range(seat.loops)
        ]
        prober = asyncio.create_task(self._prober.run(quiet_now))
        try:
            await self._until_time_is_up(loops)
            await asyncio.to_thread(self._nemesis.stop)
            self._healed_at = time.monotonic()
            stop.set()
            await self._finish(loops)
        finally:
            await asyncio.to_thread(self._nemesis.stop)
            quiet_now.set()
            await prober
            await asyncio.to_thread(self._sampler.stop)
            for wire in self._wires:
                wire.close()

    async def _until_time_is_up(self, loops: list[asyncio.Task[None]]) -> None:
        end = time.monotonic() + self._order.seconds
        while (left := end - time.monotonic()) > 0:
            done, _ = await asyncio.wait(
                loops, timeout=min(left, 5), return_when=asyncio.FIRST_EXCEPTION
            )
            for task in done:
                task.result()  # a loop ends only by a mistake of its own
            self._report(f"{max(end - time.monotonic(), 0):.0f} s to go")

    async def _finish(self, loops: list[asyncio.Task[None]]) -> None:
        self._report("faults off, providers finish their open retries")
        try:
            async with asyncio.timeout(DRAIN_SECONDS * self._order.patience):
                await asyncio.gather(*loops)
                await asyncio.gather(*(provider.finish() for provider in self._providers))
                await asyncio.gather(*(provider.ask_again(100) for provider in self._providers))
                # What was parked on disk may still move money.
                while not await asyncio.to_thread(self._is_quiet):
                    await asyncio.sleep(0.5)
                for provider in self._providers:
                    self._told += await provider.balances()
        except TimeoutError:
            self._report("some operations stay open")

    def drain(self) -> None:
        """Wait until nothing is left to do; nobody helps."""
        self._report("draining")
        longest = DRAIN_SECONDS * self._order.patience + 5
        while True:
            self._drain_seconds = time.monotonic() - self._healed_at
            if self._drain_seconds > longest or self._is_quiet():
                return
            time.sleep(0.5)

    def evidence(self, plans: list[SeatPlan]) -> Evidence:
        """Read both sides."""
        self._report("comparing")
        states = self._stack.states()
        with connect(self._paths) as own:
            ours = self._ours(own)
        self._history.flush()
        return Evidence(
            seed=self._order.seed,
            patience=self._order.patience,
            openings={plan.player: plan.opening_minor for plan in plans},
            entries=tuple(e for one in self._providers for e in one.book.statement()),
            forged_only=frozenset(
                (provider.place.code, op_id)
                for provider in self._providers
                for op_id in provider.forged_only
            ),
            told=tuple(self._told),
            history=tuple(read_history(self._history.path)),
            ours=ours,
            samples=tuple(self._sampler.samples),
            kills=tuple(self._nemesis.kills),
            watched=Watched(
                down=tuple(self._prober.down),
                memory={name: tuple(seen) for name, seen in self._sampler.memory.items()},
                states=states,
                drain_seconds=self._drain_seconds,
            ),
        )

    def _ours(self, own: psycopg.Connection) -> Ours:
        connection.close()
        seal_transfers(now=datetime.now(UTC))
        problems = [*verify_ledger().problems, *holds_out_of_step()]
        chain = verify_audit_chain()
        if not chain.holds:
            problems.append(f"The audit chain breaks at entry {chain.first_bad_id}: {chain.why}.")
        return read_ours(own, spool_folder(), problems)

    def _is_quiet(self) -> bool:
        try:
            with connect(self._paths) as own:
                unjudged, waiting, _ = quiet(own)
        except psycopg.OperationalError:
            return False
        states = self._stack.states()
        all_run = bool(states) and set(states.values()) == {"RUNNING"}
        waits_on_disk, _ = on_disk(spool_folder())
        return unjudged == 0 and waiting == 0 and waits_on_disk == 0 and all_run

    def _report(self, what: str) -> None:
        history = self._history
        self._tell(
            f"{history.now():6.0f} s  delivered {history.delivered}  copies {history.copies}  "
            f"refused {history.refused}  in doubt {history.in_doubt}  "
            f"kills {len(self._nemesis.kills)}  {what}"
        )

    def _wire(self) -> Wire:
        return Wire("127.0.0.1", settings.PITBOSS_GATEWAY_PORT)

    def _provider(self, party: Party, wire: Wire) -> Provider:
        place = Place(party.code, party.dialect, party.key, wire, CLOCK_OFFSETS[party.protocol])
        return Provider(place, party.seats, self._history, self._order.seed)
