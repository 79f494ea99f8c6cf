"""What the demo's steps share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from apps.core.embedded.supervisor import Stack
from apps.providers.selectors import provider_by_code
from apps.simulator.borealis.home import CODE, ProviderHome
from apps.simulator.demo.people import People
from apps.simulator.demo.provider_client import ProviderClient
from apps.simulator.demo.steps import Tell


@dataclass(frozen=True, slots=True)
class Rounds:
    """How many rounds the provider plays: yesterday, earlier today, and while the demo runs."""

    yesterday: int = 1_400
    today: int = 300
    live: int = 300


@dataclass(slots=True)
class Stage:
    """The state that steps hand on; ``clock`` is the only way they read the time."""

    stack: Stack
    data_dir: Path
    home: ProviderHome
    clock: Callable[[], datetime]
    rounds: Rounds
    run_key: str
    started_at: datetime
    people: People | None = None
    tell: Tell = field(default=lambda _done, _total: None)
    """Moves the progress bar of the step that runs."""

    @property
    def provider(self) -> ProviderClient:
        return ProviderClient(self.stack.provider_url, self.home.export_token)

    @property
    def provider_id(self) -> int:
        return provider_by_code(CODE).pk

    @property
    def staff(self) -> People:
        """The demo's people, once they are seeded."""
        if self.people is None:
            raise AssertionError("the people come with the first steps")
        return self.people

    # Counted from the start, so that a demo over midnight keeps its two days.
    @property
    def today(self) -> str:
        return self.started_at.date().isoformat()

    @property
    def yesterday(self) -> str:
        return (self.started_at.date() - timedelta(days=1)).isoformat()

    @property
    def days(self) -> tuple[str, str]:
        return (self.yesterday, self.today)
