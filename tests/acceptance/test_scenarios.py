"""Every scenario of the list, in every dialect, against a running gateway."""

import pytest

from apps.simulator.acceptance.kit import ALL
from apps.simulator.acceptance.scenario import Colour, Scenario
from tests.acceptance.conftest import SPOKEN, Stand


def test_the_list_has_all_65_scenarios_once() -> None:
    assert [scenario.number for scenario in ALL] == list(range(1, 66))


@pytest.mark.parametrize("dialect", SPOKEN)
@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: str(scenario.number))
def test_a_scenario_is_green(stand: Stand, dialect: str, scenario: Scenario) -> None:
    result = stand.kit(dialect).play(scenario)
    assert result.failed == []
    assert result.colour != Colour.RED, result.reason
    assert result.reason or result.colour == Colour.GREEN
