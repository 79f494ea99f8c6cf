"""Asking the reference provider to play, and for what it knows."""

import time
from dataclasses import dataclass
from typing import Any, Final

import httpx

from apps.simulator.demo.steps import Tell
from apps.simulator.errors import UndeliveredError

POLL_SECONDS: Final = 0.2
PATIENCE_SECONDS: Final = 180


@dataclass(frozen=True, slots=True)
class ProviderClient:
    """The provider's API, with its token."""

    url: str
    token: str

    def play(self, order: dict[str, Any], *, tell: Tell) -> dict[str, Any]:
        """Have rounds played and wait until every callback was answered.

        ``order`` is what ``POST /play`` takes: rounds, day, key, after.

        Raises:
            UndeliveredError: some callbacks were not answered in time.
        """
        run = self._ask("POST", "/play", json=order)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while run["queued"]:
            if time.monotonic() > deadline:
                raise UndeliveredError(run["run"], f"{run['queued']} callbacks got no answer")
            tell(run["deliveries"] - run["queued"], run["deliveries"])
            time.sleep(POLL_SECONDS)
            run = self._ask("GET", f"/runs/{run['run']}")
        tell(run["deliveries"], run["deliveries"])
        return run

    def answer_late(self, answers: int) -> None:
        """Have the next transfer orders obeyed, but answered when nobody waits any more."""
        self._ask("POST", "/late", json={"answers": answers})

    def truth(self, day: str) -> dict[str, Any]:
        """Return what the provider knows of a day."""
        return self._ask("GET", "/truth", params={"day": day})

    def payload(self, event_id: str) -> dict[str, Any]:
        """Return one event as it was sent."""
        payload: dict[str, Any] = self._ask("GET", f"/rounds/{event_id}")["payload"]
        return payload

    def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self.token}"}
        with httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False) as http:
            response = http.request(method, path, **options)
            response.raise_for_status()
            document: dict[str, Any] = response.json()
            return document
