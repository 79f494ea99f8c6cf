"""What a scenario is, and what came of playing it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

if TYPE_CHECKING:
    from apps.simulator.acceptance.table import Table

type Play = Callable[["Table"], None]
NOWHERE: Final[Mapping[str, str]] = MappingProxyType({})
EVERYWHERE: Final = "*"


class Colour(StrEnum):
    GREEN = "green"
    RED = "red"
    NOT_PROVEN = "not proven"
    DOES_NOT_APPLY = "does not apply"


class NotPlayedError(Exception):
    """The scenario was left; ``colour`` says what that means for the provider."""

    colour: ClassVar[Colour]


class DoesNotApplyError(NotPlayedError):
    """The scenario asks for what this provider's contract or this bench does not have."""

    colour = Colour.DOES_NOT_APPLY


class NotProvenError(NotPlayedError):
    """The scenario applies, and lacks something that somebody here can bring about."""

    colour = Colour.NOT_PROVEN


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was expected, and what was seen."""

    what: str
    expected: str
    seen: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Scenario:
    """One line of the list. ``not_for`` says, per dialect, why it does not apply there."""

    number: int
    sentence: str
    play: Play
    not_for: Mapping[str, str]

    def reason_against(self, dialect: str) -> str:
        """Return why this does not apply to a dialect, or an empty string."""
        return self.not_for.get(dialect) or self.not_for.get(EVERYWHERE, "")


@dataclass(slots=True)
class Result:
    """What came of one scenario. ``reason`` says why it was not played, or why it broke off."""

    scenario: Scenario
    colour: Colour
    checks: list[Check] = field(default_factory=list)
    reason: str = ""

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.checks if not check.holds]

    def as_json(self) -> dict[str, Any]:
        """Return the result for a report."""
        return {
            "number": self.scenario.number,
            "scenario": self.scenario.sentence,
            "result": self.colour.value,
            "checks": len(self.checks),
            "reason": self.reason,
            "failed": [
                {"what": check.what, "expected": check.expected, "seen": check.seen}
                for check in self.failed
            ],
        }


class Collection:
    """Collects the scenarios of one file, in the order written."""

    def __init__(self) -> None:
        self.scenarios: list[Scenario] = []

    def __call__(
        self, number: int, sentence: str, *, not_for: Mapping[str, str] = NOWHERE
    ) -> Callable[[Play], Play]:
        """Register a function as a scenario."""

        def register(play: Play) -> Play:
            self.scenarios.append(Scenario(number, sentence, play, not_for))
            return play

        return register

    def elsewhere(self, number: int, sentence: str, reason: str) -> None:
        """List a scenario that no message of these protocols can bring about."""
        self.scenarios.append(Scenario(number, sentence, _nothing, {EVERYWHERE: reason}))


def _nothing(_table: "Table") -> None:
    """Play nothing: the scenario is listed with the reason why it does not apply."""
