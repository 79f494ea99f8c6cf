"""Deliberate gaps, repeats and disorder in a stream of deliveries. Pure and lazy."""

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from apps.simulator.capture.reading import CapturedDelivery

PER_MILLION: Final = 1_000_000


@dataclass(slots=True)
class Disturbance:
    """How to disturb, and what was done so far.

    ``drop`` and ``duplicate`` are chances in millionths per delivery; ``reorder`` is the largest
    number of places by which a delivery may move. The same seed disturbs the same way.
    """

    drop: int = 0
    duplicate: int = 0
    reorder: int = 0
    seed: int = 0
    dropped: int = 0
    duplicated: int = 0

    def apply(self, deliveries: Iterator[CapturedDelivery]) -> Iterator[CapturedDelivery]:
        """Yield what is left to send, in the order to send it."""
        draw = random.Random(self.seed)  # noqa: S311 - repeatable test disturbance, no secret
        return self._reordered(self._thinned_and_repeated(deliveries, draw), draw)

    def _thinned_and_repeated(
        self, deliveries: Iterator[CapturedDelivery], draw: random.Random
    ) -> Iterator[CapturedDelivery]:
        for delivery in deliveries:
            if draw.randrange(PER_MILLION) < self.drop:
                self.dropped += 1
                continue
            yield delivery
            if draw.randrange(PER_MILLION) < self.duplicate:
                self.duplicated += 1
                yield delivery

    def _reordered(
        self, deliveries: Iterator[CapturedDelivery], draw: random.Random
    ) -> Iterator[CapturedDelivery]:
        """Sort by place plus a random delay: nothing moves by more than ``reorder`` places.

        Places count double, so that a delay can reach half a place past the last one allowed and
        neighbours may swap even with ``reorder`` 1.
        """
        waiting: list[tuple[int, int, CapturedDelivery]] = []
        longest = 2 * self.reorder + 1 if self.reorder else 0
        for place, delivery in enumerate(deliveries):
            heapq.heappush(waiting, (2 * place + draw.randrange(longest + 1), place, delivery))
            while waiting and waiting[0][0] <= 2 * (place + 1):
                yield heapq.heappop(waiting)[2]
        while waiting:
            yield heapq.heappop(waiting)[2]
