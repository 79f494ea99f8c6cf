"""Replaying a capture: what to send, where to, and what came of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from apps.simulator.capture.disturbing import Disturbance
from apps.simulator.capture.own_gateway import OwnGateway
from apps.simulator.capture.reading import CaptureSummary, check_capture, read_capture
from apps.simulator.capture.redating import OutgoingDelivery, Redating, as_recorded, suffix_of
from apps.simulator.capture.sending import Answer, ReplayReport, Target, send_all
from apps.simulator.errors import NoSigningKeyError


class Clock(StrEnum):
    """By whose clock the gateway judges a replayed delivery."""

    RECORDED = "recorded"
    """The recorded bytes, judged at the recorded time; only by a gateway of the replay's own."""
    SHIFTED = "shifted"
    """Moved in time and signed anew, judged at the time of arrival."""
    ARRIVAL = "arrival"
    """The recorded bytes, judged at the time of arrival: what an attacker could do."""


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """One replay. ``shift_to`` is when the last delivery shall have been received."""

    capture: Path
    provider: str
    clock: Clock
    shift_to: datetime | None = None
    id_suffix: str | None = None
    secrets: tuple[bytes, ...] = ()
    """The provider's keys, the one to sign with first; needed for ``Clock.SHIFTED`` only."""
    disturbance: Disturbance = field(default_factory=Disturbance)
    speed: Decimal | None = None
    concurrency: int = 1
    url: str | None = None
    manage: Path = Path("manage.py")


@dataclass(frozen=True, slots=True)
class ReplayResult:
    plan: ReplayPlan
    report: ReplayReport
    id_suffix: str
    seconds: Decimal

    def as_json(self) -> dict[str, Any]:
        """Return the figures that ``replay --json`` prints."""
        rate = self.report.events / max(self.seconds, Decimal("0.001"))
        return {
            "provider": self.plan.provider,
            "capture": self.plan.capture.name,
            "clock": self.plan.clock.value,
            "shift_to": self.plan.shift_to.isoformat() if self.plan.shift_to else None,
            "id_suffix": self.id_suffix,
            "deliveries": self.report.deliveries,
            "events": self.report.events,
            "dropped": self.plan.disturbance.dropped,
            "duplicated": self.plan.disturbance.duplicated,
            "retries": self.report.retries,
            "http": dict(sorted(self.report.http.items())),
            "statuses": dict(sorted(self.report.statuses.items())),
            "codes": dict(sorted(self.report.codes.items())),
            "seconds": round(float(self.seconds), 3),
            "events_per_second": round(float(rate), 1),
        }


def run_replay(
    plan: ReplayPlan,
    *,
    on_start: Callable[[CaptureSummary], None],
    on_answer: Callable[[Answer], None],
) -> ReplayResult:
    """Check the capture, start a gateway where none is given, send everything, stop the gateway.

    Raises:
        BadCaptureError: the capture has bad lines; nothing was sent.
        GatewayNotStartedError: the replay's own gateway did not come up.
        NoSigningKeyError: there is no key to sign shifted deliveries with.
        UndeliveredError: a delivery was not taken; what follows it was not sent.
    """
    summary = check_capture(plan.capture, plan.provider)
    on_start(summary)
    suffix, outgoing = _outgoing(plan, summary)
    own = None
    if plan.url is None:
        own = OwnGateway(plan.manage, is_replay_mode=True)
    with own or nullcontext():
        started_ns = time.monotonic_ns()
        report = send_all(
            _paced(outgoing, plan.speed),
            _target(plan, own),
            concurrency=plan.concurrency,
            on_answer=on_answer,
        )
        seconds = Decimal(time.monotonic_ns() - started_ns).scaleb(-9)
    return ReplayResult(plan, report, suffix, seconds)


def _outgoing(plan: ReplayPlan, summary: CaptureSummary) -> tuple[str, Iterator[OutgoingDelivery]]:
    captured = plan.disturbance.apply(read_capture(plan.capture, plan.provider))
    if plan.shift_to is None:
        return "", map(as_recorded, captured)
    if not plan.secrets:
        raise NoSigningKeyError(plan.provider)
    shift = plan.shift_to - summary.last_received_at
    suffix = suffix_of(shift) if plan.id_suffix is None else plan.id_suffix
    return suffix, map(Redating(shift, suffix, plan.secrets).apply, captured)


def _target(plan: ReplayPlan, own: OwnGateway | None) -> Target:
    if own is None:
        return Target(url=plan.url or "")
    return Target(
        url=own.url,
        replay_token=own.token,
        sets_clock=plan.clock is Clock.RECORDED,
        revive=own.ensure_running,
    )


def _paced(
    deliveries: Iterator[OutgoingDelivery], speed: Decimal | None
) -> Iterator[OutgoingDelivery]:
    """Hold deliveries back so that recorded time passes ``speed`` times as fast as the clock."""
    if speed is None:
        yield from deliveries
        return
    first: datetime | None = None
    started = time.monotonic()
    for delivery in deliveries:
        first = first or delivery.received_at
        due = (delivery.received_at - first).total_seconds() / float(speed)
        time.sleep(max(0, due - (time.monotonic() - started)))
        yield delivery
