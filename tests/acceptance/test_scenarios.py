"""Every scenario of the list, in every dialect, against a running gateway."""

import pytest

from apps.simulator.acceptance.kit import ALL
from apps.simulator.acceptance.scenario import EVERYWHERE, Colour, Scenario
from tests.acceptance.conftest import SPOKEN, Stand

ON_THE_WIRE = [scenario for scenario in ALL if EVERYWHERE not in scenario.not_for]


@pytest.mark.parametrize("dialect", SPOKEN)
@pytest.mark.parametrize("scenario", ON_THE_WIRE, ids=lambda scenario: str(scenario.number))
def test_a_scenario_is_green(stand: Stand, dialect: str, scenario: Scenario) -> None:
    result = stand.kit(dialect).play(scenario)
    assert [(check.what, check.expected, check.seen) for check in result.failed] == []
    assert result.colour != Colour.RED, result.reason
    assert result.reason or result.colour == Colour.GREEN
