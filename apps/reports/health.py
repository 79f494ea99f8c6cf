"""How each provider's traffic is doing: is it arriving, judged in time and believed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from apps.gateway.selectors import rejection_counts
from apps.providers.enums import KeyState
from apps.providers.selectors import all_providers
from apps.providers.selectors.keys import keys_of
from apps.rounds.traffic import (
    KeyUse,
    ProviderTraffic,
    drifting_players,
    stuck_rounds,
    traffic_of,
)

if TYPE_CHECKING:
    from apps.providers.models import Provider, ProviderKey

WINDOWS: Final[Mapping[str, tuple[str, timedelta]]] = {
    "15m": ("15 minutes", timedelta(minutes=15)),
    "1h": ("1 hour", timedelta(hours=1)),
    "24h": ("24 hours", timedelta(hours=24)),
}


@dataclass(frozen=True, slots=True)
class OldKey:
    """A key that was to be replaced and still signs."""

    use: KeyUse
    state: str
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Health:
    """One provider in a window; ``traffic`` is None where it sent nothing.

    ``rejected_today`` counts what was refused before anything was stored, by code, since midnight
    UTC: such callers are only counted per day.
    """

    provider_id: int
    code: str
    name: str
    is_active: bool
    traffic: ProviderTraffic | None
    rate_per_second: Decimal
    drifting: int
    stuck: int
    old_keys: tuple[OldKey, ...]
    rejected_today: tuple[tuple[str, int], ...]


def health_of_providers(window: timedelta, now: datetime) -> list[Health]:
    """Return the health of every provider that is active or sent anything, by code."""
    known = sorted(all_providers(), key=lambda provider: provider.code)
    traffic = traffic_of([one.pk for one in known], since=now - window, until=now)
    providers = [one for one in known if one.is_active or one.pk in traffic]
    stuck = stuck_rounds(now)
    drifting = drifting_players()
    rejected = _rejected_on(now.date())
    return [
        Health(
            provider_id=provider.pk,
            code=provider.code,
            name=provider.name,
            is_active=provider.is_active,
            traffic=traffic.get(provider.pk),
            rate_per_second=_rate(traffic.get(provider.pk), window, now),
            drifting=drifting.get(provider.pk, 0),
            stuck=stuck[provider.pk][0] if provider.pk in stuck else 0,
            old_keys=_old_keys(provider, traffic.get(provider.pk)),
            rejected_today=tuple(rejected.get(provider.pk, ())),
        )
        for provider in providers
    ]


def _rejected_on(day: date) -> dict[int, list[tuple[str, int]]]:
    found: dict[int, list[tuple[str, int]]] = {}
    for provider_id, code, count in rejection_counts(day):
        found.setdefault(provider_id, []).append((code, count))
    return found


def _rate(traffic: ProviderTraffic | None, window: timedelta, now: datetime) -> Decimal:
    """Return deliveries a second, over the time that was counted."""
    if traffic is None:
        return Decimal(0)
    span = now - traffic.reaches_to if traffic.is_cut else window
    seconds = max(span / timedelta(milliseconds=1), 1)
    return (Decimal(traffic.deliveries * 1000) / Decimal(int(seconds))).quantize(
        Decimal("0.000001")
    )


def _old_keys(provider: "Provider", traffic: ProviderTraffic | None) -> tuple[OldKey, ...]:
    """Return the keys in use that are not the newest active one.

    A key that ends by itself, such as the one of a run of the acceptance kit, follows none that
    has no end.
    """
    if traffic is None:
        return ()
    known: Sequence[ProviderKey] = keys_of(provider.pk)
    active = [key for key in known if key.state == KeyState.ACTIVE]
    lasting = [key for key in active if key.not_after is None]
    current = next((key.kid for key in (*lasting, *active)), "")
    by_kid = {key.kid: key for key in known}
    return tuple(
        OldKey(
            use=use,
            state=str(by_kid[use.kid].state) if use.kid in by_kid else "unknown",
            ends_at=by_kid[use.kid].not_after if use.kid in by_kid else None,
        )
        for use in traffic.keys
        if use.kid != current
    )
