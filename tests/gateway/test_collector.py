"""What can't be read is counted whole, and kept as far as it fits between two batches."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apps.gateway.contracts import Refused, Unreadable
from apps.gateway.http.collector import MOST_UNREADABLE_PER_BATCH, Collector
from apps.gateway.http.directory import Directory
from apps.gateway.http.parking import Parking
from apps.gateway.http.spool import Limits
from apps.gateway.models import Rejection
from apps.rounds.contracts import DeliveryRow
from apps.rounds.models import Delivery
from tests.gateway.builders import open_casino

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def refused(provider_id: int, number: int) -> Refused:
    row = DeliveryRow(
        provider_id, NOW, f"msg_{number}", "k-1", "/callbacks/aurora/rounds", {}, b"{"
    )
    return Refused(
        provider_id, "malformed_json", NOW, unreadable=Unreadable(row, 400, "malformed_json")
    )


async def flood_twice(collector: Collector, provider_id: int, *, of: int) -> None:
    """Refuse so many before the first batch is taken, and as many again before the second."""
    await collector.start()
    for first in (0, of):
        for number in range(first, first + of):
            collector.refuse(refused(provider_id, number))
        while collector._refused:
            await asyncio.sleep(0.01)
    await collector.stop()


def test_of_a_flood_that_nobody_can_read_each_batch_keeps_its_share(tmp_path: Path) -> None:
    provider = open_casino().provider
    collector = Collector(Directory(), Parking(tmp_path, Limits(10_000_000, 100)))
    flood = MOST_UNREADABLE_PER_BATCH + 4
    asyncio.run(flood_twice(collector, provider.pk, of=flood))

    kept = Delivery.objects.order_by("pk").values_list("message_id", flat=True)
    assert list(kept) == [
        f"msg_{first + number}"
        for first in (0, flood)
        for number in range(MOST_UNREADABLE_PER_BATCH)
    ]
    assert list(Rejection.objects.values_list("code", "count")) == [("malformed_json", 2 * flood)]
