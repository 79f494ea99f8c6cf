"""Playing the scenarios against a gateway, and the report of it."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from apps.core.errors import DomainError
from apps.simulator.acceptance.bench import Bench
from apps.simulator.acceptance.scenario import Colour, NotPlayedError, Result, Scenario
from apps.simulator.acceptance.scenarios_authenticity import SCENARIOS as AUTHENTICITY
from apps.simulator.acceptance.scenarios_faults import SCENARIOS as FAULTS
from apps.simulator.acceptance.scenarios_repeats import SCENARIOS as REPEATS
from apps.simulator.acceptance.scenarios_rounds import SCENARIOS as ROUNDS
from apps.simulator.acceptance.scenarios_settling import SCENARIOS as SETTLING
from apps.simulator.acceptance.scenarios_standing import SCENARIOS as STANDING
from apps.simulator.acceptance.setting_up import Prepared
from apps.simulator.acceptance.table import Table
from apps.simulator.dialects.client import Client
from apps.simulator.dialects.contract import Dialect

VERSION: Final = 4
"""Raised whenever a scenario asks for something else than before."""

ALL: Final[tuple[Scenario, ...]] = tuple(
    sorted(
        (
            *REPEATS.scenarios,
            *SETTLING.scenarios,
            *AUTHENTICITY.scenarios,
            *STANDING.scenarios,
            *ROUNDS.scenarios,
            *FAULTS.scenarios,
        ),
        key=lambda scenario: scenario.number,
    )
)


class Kit:
    """Plays scenarios for one prepared provider against one gateway.

    ``may_stall`` says that the gateway is the kit's own, so that a scenario may hold it up.
    """

    def __init__(self, prepared: Prepared, *, url: str, may_stall: bool) -> None:
        self.prepared = prepared
        self._may_stall = may_stall
        self._bench = Bench(
            provider_id=prepared.provider_id,
            provider_code=prepared.provider_code,
            dialect=prepared.dialect,
        )
        self._client = Client(
            prepared.dialect, url=url, provider=prepared.provider_code, key=prepared.key
        )
        self._other_key = prepared.dialect.new_key()

    def play(self, scenario: Scenario) -> Result:
        """Play one scenario at a fresh table; what breaks off is red and says why."""
        reason = scenario.reason_against(self.prepared.dialect.name)
        if reason:
            return Result(scenario, Colour.DOES_NOT_APPLY, reason=reason)
        table = Table(
            self._bench, self._client, other_key=self._other_key, may_stall=self._may_stall
        )
        try:
            scenario.play(table)
        except NotPlayedError as error:
            return Result(scenario, error.colour, reason=str(error))
        except (DomainError, LookupError, TypeError, ValueError) as error:
            why = f"it broke off: {type(error).__name__}: {error}"
            return Result(scenario, Colour.RED, table.checks, reason=why)
        is_green = bool(table.checks) and all(check.holds for check in table.checks)
        return Result(scenario, Colour.GREEN if is_green else Colour.RED, table.checks)

    def close(self) -> None:
        """Take the test players' money back and close the connections."""
        self._bench.close()
        self._client.close()


@dataclass(frozen=True, slots=True)
class Report:
    """What a run found; it proves the provider only when all that applies was played and is green.

    ``is_whole`` is False where only some scenarios were asked for.
    """

    provider_code: str
    dialect: Dialect
    played_at: datetime
    results: tuple[Result, ...]
    is_whole: bool

    @property
    def is_green(self) -> bool:
        return all(
            result.colour in {Colour.GREEN, Colour.DOES_NOT_APPLY} for result in self.results
        )

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(result.colour.value for result in self.results)
        return {colour.value: found[colour.value] for colour in Colour}

    def as_json(self) -> dict[str, Any]:
        """Return the report in the form that an onboarding checklist keeps."""
        return {
            "kit_version": VERSION,
            "played_at": self.played_at.isoformat(),
            "provider": self.provider_code,
            "protocol": self.dialect.protocol,
            "dialect": self.dialect.name,
            "is_whole": self.is_whole,
            "is_green": self.is_green,
            "counts": self.counts,
            "scenarios": [result.as_json() for result in self.results],
        }


def play_all(
    kit: Kit, scenarios: Iterable[Scenario], *, on_result: Callable[[Result], None]
) -> Report:
    """Play scenarios one after the other and report what came of them."""
    played_at = datetime.now(UTC)
    results = []
    try:
        for scenario in scenarios:
            result = kit.play(scenario)
            results.append(result)
            on_result(result)
    finally:
        kit.close()
    return Report(
        provider_code=kit.prepared.provider_code,
        dialect=kit.prepared.dialect,
        played_at=played_at,
        results=tuple(results),
        is_whole={result.scenario.number for result in results}
        == {scenario.number for scenario in ALL},
    )
