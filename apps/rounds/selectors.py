"""How rounds, events and their deliveries are read."""

from apps.rounds.contracts import AttemptView
from apps.rounds.models import Delivery, DeliveryVerdict, EventAttempt, RoundEvent


def event_by_id(provider_code: str, event_id: str) -> RoundEvent | None:
    """Return the event of a provider by its permanent id, with its round and player."""
    return (
        RoundEvent.objects.select_related("provider", "round", "player", "game")
        .filter(provider__code=provider_code, event_id=event_id)
        .first()
    )


def deliveries_of_event(provider_code: str, event_id: str) -> list[AttemptView]:
    """Return every delivery attempt that carried an event, oldest first, with its raw bytes."""
    event = event_by_id(provider_code, event_id)
    attempts = EventAttempt.objects.filter(provider__code=provider_code, event_id=event_id)
    seen = [(a.delivery_id, str(a.status), a.code) for a in attempts.order_by("pk")]
    if event is not None and event.delivery_id is not None:
        seen.insert(0, (event.delivery_id, str(event.status), event.code))
    ids = [delivery_id for delivery_id, _, _ in seen]
    deliveries = {d.pk: d for d in Delivery.objects.filter(pk__in=ids)}
    http = dict(
        DeliveryVerdict.objects.filter(delivery_id__in=ids).values_list(
            "delivery_id", "http_status"
        )
    )
    return [
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
        for delivery_id, status, code in seen
        if delivery_id in deliveries
    ]
