"""What goes wrong on purpose, and is remembered: discrepancies in the log, faults in delivery.

The truth is kept beside the rounds, so that whoever reconciles can be compared with it.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from apps.core.money import exponent, format_minor
from apps.simulator.borealis.events import ProviderEvent
from apps.simulator.borealis.rounds import PlayedRound, PlayerMirror


class Discrepancy(StrEnum):
    """A planted difference between what was sent and what the round log says."""

    DUPLICATE = "duplicate"
    MISSING_IN_LEDGER = "missing_in_ledger"
    MISSING_AT_PROVIDER = "missing_at_provider"
    PLAYER = "player"
    CURRENCY = "currency"
    AMOUNT = "amount"
    STATUS = "status"


PLANTED_PER_RUN: Final[tuple[tuple[Discrepancy, int], ...]] = (
    (Discrepancy.MISSING_IN_LEDGER, 2),
    (Discrepancy.AMOUNT, 2),
    (Discrepancy.MISSING_AT_PROVIDER, 2),
    (Discrepancy.DUPLICATE, 1),
    (Discrepancy.PLAYER, 1),
    (Discrepancy.CURRENCY, 1),
    (Discrepancy.STATUS, 1),
)
AMOUNT_OFF_MINOR: Final = 100


class DeliveryKind(StrEnum):
    """Why a delivery is sent; everything but NORMAL must change no money."""

    NORMAL = "normal"
    DUPLICATE = "duplicate"
    FORGED = "forged"
    BAD_CHECKSUM = "bad_checksum"
    CONFLICT = "conflict"


FORGED_PER_RUN: Final = 2
BAD_CHECKSUM_PER_RUN: Final = 2
CONFLICTS_PER_RUN: Final = 1
DUPLICATE_PER_MILLE: Final = 40
SWAP_PER_MILLE: Final = 20
SINGLE_PER_MILLE: Final = 500
LARGEST_BATCH: Final = 40
ROLLBACK_FIRST_PER_MILLE: Final = 250


def plant_discrepancies(
    draw: random.Random, rounds: Sequence[PlayedRound], players: Sequence[PlayerMirror]
) -> dict[str, Discrepancy]:
    """Choose which events will differ; each event gets at most one discrepancy.

    Plants as many as there are plain rounds for, the classes listed first going first.
    """
    currencies = _plantable_currencies(players)
    plain = [
        played.events[0]
        for played in rounds
        if played.is_plain and played.events[0].currency in currencies
    ]
    wanted = [kind for kind, count in PLANTED_PER_RUN for _ in range(count)]
    # A twentieth of the rounds at most: a run of ten rounds is not all discrepancies.
    wanted = wanted[: len(rounds) // 20]
    chosen = draw.sample(plain, min(len(wanted), len(plain)))
    return {event.event_id: kind for event, kind in zip(chosen, wanted, strict=False)}


def log_rows(
    draw: random.Random,
    rounds: Sequence[PlayedRound],
    planted: dict[str, Discrepancy],
    players: Sequence[PlayerMirror],
) -> list[tuple[ProviderEvent, dict[str, str]]]:
    """Return the round log's lines of ``rounds``, discrepancies included, in no useful order."""
    lines: list[tuple[ProviderEvent, dict[str, str]]] = []
    for played in rounds:
        # A tentative message and its final one are one event, and one line.
        by_id = {event.event_id: event for event in played.events}
        for position, event in enumerate(by_id.values()):
            status = "rolled_back" if played.is_rolled_back and position == 0 else "settled"
            row = event.row(status)
            kind = planted.get(event.event_id)
            if kind is Discrepancy.MISSING_AT_PROVIDER:
                continue
            lines.append((event, _altered(draw, event, row, kind, players)))
            if kind is Discrepancy.DUPLICATE:
                lines.append((event, row))
    draw.shuffle(lines)
    return lines


def _altered(
    draw: random.Random,
    event: ProviderEvent,
    row: dict[str, str],
    kind: Discrepancy | None,
    players: Sequence[PlayerMirror],
) -> dict[str, str]:
    """Return the line with the one field that ``kind`` makes wrong."""
    wrong: dict[str, str] = {}
    if kind is Discrepancy.AMOUNT:
        off_minor = event.win_minor + AMOUNT_OFF_MINOR
        wrong["win_amount"] = format_minor(off_minor, event.currency)
    elif kind is Discrepancy.STATUS:
        wrong["status"] = "rolled_back"
    elif kind is Discrepancy.PLAYER:
        peers = {player.player_id for player in players if player.currency == event.currency}
        wrong["player_id"] = draw.choice(sorted(peers - {event.player_id}))
    elif kind is Discrepancy.CURRENCY:
        wrong["currency"] = draw.choice(sorted(_plantable_currencies(players) - {event.currency}))
    return {**row, **wrong}


def _plantable_currencies(players: Sequence[PlayerMirror]) -> set[str]:
    """Return the currencies with two decimals.

    A line whose currency is swapped for one with other decimals would be a bad row, not a break.
    """
    return {player.currency for player in players if exponent(player.currency) == 2}


@dataclass(frozen=True, slots=True)
class PlannedDelivery:
    """One HTTP request to come: which events, and what is wrong with them."""

    events: tuple[ProviderEvent, ...]
    kind: DeliveryKind = DeliveryKind.NORMAL
    repeats: "PlannedDelivery | None" = field(default=None, repr=False)
    """The delivery whose message id and bytes this one sends again."""


def plan_deliveries(
    draw: random.Random, rounds: Sequence[PlayedRound], planted: dict[str, Discrepancy]
) -> list[PlannedDelivery]:
    """Put the rounds' messages into deliveries, in the order in which they will be sent."""
    messages = _messages(draw, rounds, planted)
    planned = _batched(draw, messages)
    plain = [
        event
        for played in rounds
        if played.is_plain and (event := played.events[0]).event_id not in planted
    ]
    planned = _swapped(draw, planned)
    planned = _with_duplicates(draw, planned)
    return _with_faulty_copies(draw, planned, plain)


def _messages(
    draw: random.Random, rounds: Sequence[PlayedRound], planted: dict[str, Discrepancy]
) -> list[ProviderEvent]:
    """Order all messages by time, some rollbacks ahead of what they roll back."""
    ordered: list[tuple[ProviderEvent, int]] = []
    for played in rounds:
        if planted.get(played.events[0].event_id) is Discrepancy.MISSING_IN_LEDGER:
            continue
        ordered.extend((event, step) for step, event in enumerate(played.events))
    ordered.sort(key=lambda item: (item[0].occurred_at, item[0].round_id, item[1]))
    messages = [event for event, _ in ordered]
    for played in rounds:
        if played.is_rolled_back and draw.randrange(1000) < ROLLBACK_FIRST_PER_MILLE:
            messages.remove(played.events[1])
            messages.insert(messages.index(played.events[0]), played.events[1])
    return messages


def _batched(draw: random.Random, messages: list[ProviderEvent]) -> list[PlannedDelivery]:
    planned: list[PlannedDelivery] = []
    start = 0
    while start < len(messages):
        is_single = draw.randrange(1000) < SINGLE_PER_MILLE
        size = 1 if is_single else draw.randrange(2, LARGEST_BATCH + 1)
        planned.append(PlannedDelivery(events=tuple(messages[start : start + size])))
        start += size
    return planned


def _swapped(draw: random.Random, planned: list[PlannedDelivery]) -> list[PlannedDelivery]:
    """Let some deliveries overtake the one before them."""
    swapped = list(planned)
    for index in range(1, len(swapped)):
        if draw.randrange(1000) < SWAP_PER_MILLE:
            swapped[index - 1], swapped[index] = swapped[index], swapped[index - 1]
    return swapped


def _with_duplicates(draw: random.Random, planned: list[PlannedDelivery]) -> list[PlannedDelivery]:
    """Send some deliveries a second time, a little later, byte for byte."""
    result = list(planned)
    for delivery in planned:
        if draw.randrange(1000) < DUPLICATE_PER_MILLE:
            copy = PlannedDelivery(
                events=delivery.events, kind=DeliveryKind.DUPLICATE, repeats=delivery
            )
            later = result.index(delivery) + 1 + draw.randrange(5)
            result.insert(min(later, len(result)), copy)
    return result


def _with_faulty_copies(
    draw: random.Random, planned: list[PlannedDelivery], plain: list[ProviderEvent]
) -> list[PlannedDelivery]:
    """Add forgeries, wrong checksums (both before the real event) and conflicts (after it)."""
    kinds = (
        [DeliveryKind.CONFLICT] * CONFLICTS_PER_RUN
        + [DeliveryKind.BAD_CHECKSUM] * BAD_CHECKSUM_PER_RUN
        + [DeliveryKind.FORGED] * FORGED_PER_RUN
    )
    kinds = kinds[: len(plain) // 10]
    result = list(planned)
    for event, kind in zip(draw.sample(plain, len(kinds)), kinds, strict=True):
        holder = next(
            index
            for index, delivery in enumerate(result)
            if delivery.kind is DeliveryKind.NORMAL and event in delivery.events
        )
        at = holder + 1 if kind is DeliveryKind.CONFLICT else holder
        result.insert(at, PlannedDelivery(events=(event,), kind=kind))
    return result
