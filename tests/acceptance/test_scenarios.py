"""Every scenario of the list, in every dialect, against a running gateway."""

import pytest

from apps.simulator.acceptance.kit import ALL
from apps.simulator.acceptance.scenario import EVERYWHERE, Colour, Scenario
from tests.acceptance.conftest import SPOKEN, Stand

# What a scenario finds out only at the table: a provider's contract has nothing of the kind.
LEFT_OUT = {
    51: ("native", "hub88", "caleta"),  # their round ids are one's own in all games
    58: ("iplaygames", "iplaygames-own"),  # their stakes are taken at once, never held
}
ON_THE_WIRE = [scenario for scenario in ALL if EVERYWHERE not in scenario.not_for]


@pytest.mark.parametrize("dialect", SPOKEN)
@pytest.mark.parametrize("scenario", ON_THE_WIRE, ids=lambda scenario: str(scenario.number))
def test_a_scenario_is_green(stand: Stand, dialect: str, scenario: Scenario) -> None:
    result = stand.kit(dialect).play(scenario)
    assert [(check.what, check.expected, check.seen) for check in result.failed] == []
    left_out = LEFT_OUT.get(scenario.number, ())
    expected = Colour.DOES_NOT_APPLY if dialect in left_out else Colour.GREEN
    if scenario.reason_against(dialect):
        expected = Colour.DOES_NOT_APPLY
    assert result.colour == expected, result.reason
    assert bool(result.reason) == (expected != Colour.GREEN)
