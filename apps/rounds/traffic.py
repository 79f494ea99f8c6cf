"""What providers send and what became of it, for who watches the traffic.

Every statement reads a bounded piece of the newest deliveries, whatever the table holds: figures
say how far back they reach. They lock nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, LiteralString

from django.db import connection
from django.db.models import Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from apps.rounds.contracts import AttemptView
from apps.rounds.models import (
    Delivery,
    DeliveryVerdict,
    EventAttempt,
    RoundEvent,
    UnjudgedDelivery,
)

type Sighting = tuple[int, str, str]
"""A delivery that carried an event: its id, and what was said of the event by status and code."""

MOST_DELIVERIES: Final = 10_000
"""How many of a provider's newest deliveries in the window the figures are made of, at most."""
MOST_SEARCHED: Final = 20_000
"""How many of the newest deliveries a filter that no index serves looks through."""
STUCK_AFTER: Final = timedelta(hours=24)

# The newest deliveries of the window per provider, by the index on received_at; each verdict by
# its unique key. Seven numbers per provider, in how many deliveries each answer stands (by status,
# and by status and code), and what each key signed.
HEALTH: LiteralString = """
WITH newest AS MATERIALIZED (
    SELECT p.id AS provider_id, d.*
    FROM unnest(%(providers)s::bigint[]) AS p (id)
    CROSS JOIN LATERAL (
        SELECT r.id, r.received_at, r.key_id
        FROM rounds_delivery r
        WHERE r.provider_id = p.id AND r.received_at >= %(since)s AND r.received_at <= %(until)s
        ORDER BY r.received_at DESC LIMIT %(most)s
    ) d
), judged AS MATERIALIZED (
    SELECT n.provider_id, n.id, n.received_at, v.results,
        extract(epoch FROM v.judged_at - n.received_at) * 1000 AS latency_ms
    FROM newest n
    CROSS JOIN LATERAL (
        SELECT judged_at, results FROM rounds_deliveryverdict w WHERE w.delivery_id = n.id LIMIT 1
    ) v
), answered AS (
    SELECT j.provider_id, r.status, coalesce(r.code, '') AS code, grouping(coalesce(r.code, '')) = 1
        AS is_any_code, count(DISTINCT j.id) AS deliveries
    FROM judged j
    CROSS JOIN LATERAL jsonb_to_recordset(
        CASE jsonb_typeof(j.results) WHEN 'array' THEN j.results ELSE '[]' END
    ) AS r (status text, code text)
    GROUP BY GROUPING SETS ((1, 2, 3), (1, 2))
), keys AS (
    SELECT provider_id, key_id, count(*) AS deliveries, max(received_at) AS last_at
    FROM newest GROUP BY 1, 2
)
SELECT
    n.provider_id, n.deliveries, n.oldest_at, j.judged, j.p50, j.p95, j.p99,
    (SELECT json_agg(json_build_array(a.status, a.code, a.deliveries)
        ORDER BY a.deliveries DESC, a.code)
     FROM answered a WHERE a.provider_id = n.provider_id AND NOT a.is_any_code),
    (SELECT json_object_agg(a.status, a.deliveries)
     FROM answered a WHERE a.provider_id = n.provider_id AND a.is_any_code),
    (SELECT json_agg(json_build_array(k.key_id, k.deliveries, k.last_at) ORDER BY k.last_at DESC)
     FROM keys k WHERE k.provider_id = n.provider_id)
FROM (
    SELECT provider_id, count(*) AS deliveries, min(received_at) AS oldest_at
    FROM newest GROUP BY 1
) n
LEFT JOIN (
    SELECT provider_id, count(*) AS judged,
        percentile_disc(0.50) WITHIN GROUP (ORDER BY latency_ms) AS p50,
        percentile_disc(0.95) WITHIN GROUP (ORDER BY latency_ms) AS p95,
        percentile_disc(0.99) WITHIN GROUP (ORDER BY latency_ms) AS p99
    FROM judged GROUP BY 1
) j USING (provider_id)
"""

# Rounds that no message closed, the open ones by their partial index.
STUCK: LiteralString = """
SELECT provider_id, count(*), min(opened_at) FROM (
    (SELECT provider_id, opened_at FROM rounds_round
     WHERE state = 'open' AND opened_at < %(before)s ORDER BY opened_at LIMIT %(most)s)
    UNION ALL
    (SELECT provider_id, opened_at FROM rounds_round WHERE state = 'stuck' LIMIT %(most)s)
) r GROUP BY provider_id
"""

DRIFTING: LiteralString = """
SELECT provider_id, count(*) FROM rounds_balancedrift WHERE difference_minor <> 0
GROUP BY provider_id
"""


@dataclass(frozen=True, slots=True)
class KeyUse:
    kid: str
    deliveries: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class ProviderTraffic:
    """One provider's deliveries in a window; latencies in milliseconds, received to judged.

    ``answers`` counts the deliveries that hold such an answer, per status and code; ``statuses``
    per status, where a delivery with two codes counts once. ``reaches_to`` is the oldest delivery
    counted: later than the window's start where ``is_cut`` says that there were too many to count.
    """

    provider_id: int
    deliveries: int
    waiting: int
    reaches_to: datetime
    is_cut: bool
    p50_ms: Decimal | None
    p95_ms: Decimal | None
    p99_ms: Decimal | None
    answers: tuple[tuple[str, str, int], ...] = ()
    statuses: Mapping[str, int] = field(default_factory=dict)
    keys: tuple[KeyUse, ...] = field(default=())

    def deliveries_with(self, status: str) -> int:
        return self.statuses.get(status, 0)


def traffic_of(
    provider_ids: Iterable[int], *, since: datetime, until: datetime
) -> dict[int, ProviderTraffic]:
    """Return the traffic per provider; one that sent nothing is left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            HEALTH,
            {
                "providers": list(provider_ids),
                "since": since,
                "until": until,
                "most": MOST_DELIVERIES,
            },
        )
        return {row[0]: _traffic(row) for row in cursor.fetchall()}


def _traffic(row: Any) -> ProviderTraffic:
    provider_id, deliveries, oldest_at, judged, p50, p95, p99, answers, statuses, keys = row
    return ProviderTraffic(
        provider_id=provider_id,
        deliveries=deliveries,
        waiting=deliveries - (judged or 0),
        reaches_to=oldest_at,
        is_cut=deliveries >= MOST_DELIVERIES,
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        answers=tuple(
            (str(status), str(code), int(count)) for status, code, count in answers or ()
        ),
        statuses=statuses or {},
        keys=tuple(
            KeyUse(str(kid), int(count), datetime.fromisoformat(last_at))
            for kid, count, last_at in keys or ()
        ),
    )


def stuck_rounds(now: datetime, *, most: int = 10_000) -> dict[int, tuple[int, datetime]]:
    """Return per provider how many rounds nobody closed within a day, and since when."""
    with connection.cursor() as cursor:
        cursor.execute(STUCK, {"before": now - STUCK_AFTER, "most": most})
        return {row[0]: (row[1], row[2]) for row in cursor.fetchall()}


def drifting_players() -> dict[int, int]:
    """Return per provider how many players' balances differ from ours."""
    with connection.cursor() as cursor:
        cursor.execute(DRIFTING)
        return dict(cursor.fetchall())


def newest_of(deliveries: QuerySet[Delivery], *, most: int = MOST_SEARCHED) -> QuerySet[Delivery]:
    """Narrow a query to its newest rows, so that what no index serves ends."""
    floor = deliveries.order_by("-pk").values("pk")[most : most + 1]
    return deliveries.filter(pk__gte=Coalesce(Subquery(floor), 0))


def delivery_ids_of(term: str, provider_ids: Iterable[int]) -> set[int]:
    """Return the deliveries that a number, a message id or an event id names, exactly."""
    providers = list(provider_ids)
    by_message = Delivery.objects.filter(message_id=term).values_list("pk", flat=True)
    # The provider comes first in both indexes on events, so all of them are named.
    named = Q(provider_id__in=providers, event_id=term)
    first = RoundEvent.objects.filter(named, delivery_id__isnull=False)
    again = EventAttempt.objects.filter(named)
    ids = {
        *by_message[:200],
        *(pk for pk in first.values_list("delivery_id", flat=True) if pk is not None),
        *again.values_list("delivery_id", flat=True)[:200],
    }
    if term.isascii() and term.isdigit() and int(term) < 2**63:
        ids.add(int(term))
    return ids


def delivery_exists(delivery_id: int) -> bool:
    return Delivery.objects.filter(pk=delivery_id).exists()


def verdicts_of(delivery_ids: Iterable[int]) -> dict[int, DeliveryVerdict]:
    rows = DeliveryVerdict.objects.filter(delivery_id__in=list(delivery_ids))
    return {row.delivery_id: row for row in rows}


def unjudged_delivery(delivery_id: int) -> UnjudgedDelivery | None:
    """Return since when and how often applying a delivery has failed, where it has."""
    return UnjudgedDelivery.objects.filter(delivery_id=delivery_id).first()


def events_of_delivery(
    provider_id: int, event_ids: Iterable[str], *, limit: int = 200
) -> dict[str, RoundEvent]:
    """Return the stored events of these ids, by id."""
    events = RoundEvent.objects.filter(
        provider_id=provider_id, event_id__in=list(event_ids)[:limit]
    )
    return {event.event_id: event for event in events.select_related("provider", "round")}


def deliveries_with_key(provider_id: int, kid: str, *, limit: int) -> list[Delivery]:
    """Return the newest deliveries that a key signed, among the provider's newest."""
    deliveries = newest_of(Delivery.objects.filter(provider_id=provider_id))
    signed = deliveries.filter(key_id=kid).defer("body", "headers")
    return list(signed.order_by("-pk")[:limit])


def attempts_of_events(events: Iterable[RoundEvent]) -> dict[int, list[AttemptView]]:
    """Return every delivery of each event, oldest first, by the event's row; four look-ups."""
    return attempts_seen(_sightings(list(events)))


def attempts_seen[Key](seen: Mapping[Key, Sequence[Sighting]]) -> dict[Key, list[AttemptView]]:
    """Return each attempt as it arrived, with its raw bytes; two look-ups for all of them."""
    ids = {sighting[0] for sightings in seen.values() for sighting in sightings}
    deliveries = {row.pk: row for row in Delivery.objects.filter(pk__in=ids)}
    http = {key: verdict.http_status for key, verdict in verdicts_of(ids).items()}
    return {
        key: [
            AttemptView(
                delivery_id=delivery_id,
                received_at=deliveries[delivery_id].received_at,
                status=status,
                code=code,
                message_id=deliveries[delivery_id].message_id,
                http_status=http.get(delivery_id),
                body=bytes(deliveries[delivery_id].body),
                headers=deliveries[delivery_id].headers,
            )
            for delivery_id, status, code in sightings
            if delivery_id in deliveries
        ]
        for key, sightings in seen.items()
    }


def _sightings(events: list[RoundEvent]) -> dict[int, list[Sighting]]:
    keys = {(event.provider_id, event.event_id): event.pk for event in events}
    seen: dict[int, list[Sighting]] = {
        event.pk: []
        if event.delivery_id is None
        else [(event.delivery_id, str(event.status), event.code)]
        for event in events
    }
    again = EventAttempt.objects.filter(
        provider_id__in={provider_id for provider_id, _ in keys},
        event_id__in={event_id for _, event_id in keys},
    )
    for attempt in again.order_by("pk"):
        pk = keys.get((attempt.provider_id, attempt.event_id))
        if pk is not None:
            seen[pk].append((attempt.delivery_id, str(attempt.status), attempt.code))
    return seen
