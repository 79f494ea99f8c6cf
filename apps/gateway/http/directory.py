"""Providers, keys and games as the gateway holds them: read again every few seconds."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from apps.gateway.services.apply import Games
from apps.providers.contracts import GameRef, ProviderProfile
from apps.providers.selectors.catalogue import games_by_code
from apps.providers.selectors.profiles import provider_profile

FRESH_SECONDS: Final = 3.0
"""A revoked key or a new game is known everywhere within this time (reliability A17: 5 s)."""
MOST_UNKNOWN_CODES: Final = 1_000
STALE_SECONDS: Final = 600.0
"""How long a known provider can still be authenticated while the database is away."""


class Directory:
    """A small cache in front of the provider tables; unknown codes are remembered too."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._profiles: dict[str, tuple[float, ProviderProfile | None]] = {}
        self._loaded_at: dict[str, float] = {}
        self._games: dict[int, tuple[float, dict[str, GameRef]]] = {}

    def known_profile(self, provider_code: str) -> tuple[bool, ProviderProfile | None]:
        """Return whether the cache can answer, and its answer, without touching the database."""
        found = self._profiles.get(provider_code)
        if found is None or self._clock() - found[0] > FRESH_SECONDS:
            return False, None
        return True, found[1]

    def load_profile(self, provider_code: str) -> ProviderProfile | None:
        """Read a provider's profile from the database and remember it."""
        profile = provider_profile(provider_code)
        with self._lock:
            if len(self._profiles) > MOST_UNKNOWN_CODES:
                self._profiles.clear()
                self._loaded_at.clear()
            self._profiles[provider_code] = (self._clock(), profile)
            self._loaded_at[provider_code] = self._clock()
        return profile

    def last_profile(self, provider_code: str) -> ProviderProfile | None:
        """Return the profile read last, for when it can't be read now; None where none is usable.

        It then counts as fresh for a while, so that not every callback waits for the database.
        """
        with self._lock:
            _, profile = self._profiles.get(provider_code, (0.0, None))
            loaded_at = self._loaded_at.get(provider_code, 0.0)
            if profile is None or self._clock() - loaded_at > STALE_SECONDS:
                return None
            self._profiles[provider_code] = (self._clock(), profile)
        return profile

    def games(self, provider_ids: Iterable[int]) -> Games:
        """Return the catalogues of providers; call it from the thread that holds the connection."""
        games: dict[tuple[int, str], GameRef] = {}
        for provider_id in provider_ids:
            found = self._games.get(provider_id)
            if found is None or self._clock() - found[0] > FRESH_SECONDS:
                found = (self._clock(), games_by_code(provider_id))
                self._games[provider_id] = found
            games |= {(provider_id, code): game for code, game in found[1].items()}
        return games
