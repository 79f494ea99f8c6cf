"""The list itself: all 65, each with a reason where it does not apply, each proven somewhere."""

import re

import pytest

from apps.simulator.acceptance.kit import ALL
from apps.simulator.acceptance.scenario import EVERYWHERE, Scenario
from apps.simulator.dialects.registry import DIALECTS
from tests.architecture.layers import REPOSITORY
from tests.architecture.test_documents import NAMED_TEST

PROTOCOLS = {kind.protocol for kind in DIALECTS.values()}
DOCUMENT = REPOSITORY / "docs" / "acceptance.md"
ROW = re.compile(r"^\| (\d+) \| (.*?) \| (.*?) \| (.*) \|$", re.MULTILINE)


def test_the_list_has_all_65_scenarios_once_and_in_order() -> None:
    assert [scenario.number for scenario in ALL] == list(range(1, 66))


def test_each_scenario_is_a_sentence_of_its_own() -> None:
    sentences = [scenario.sentence for scenario in ALL]
    assert len(set(sentences)) == 65
    assert all(sentence.endswith(".") for sentence in sentences)


def test_a_reason_against_names_a_dialect_that_exists() -> None:
    named = {name for scenario in ALL for name in scenario.not_for}
    assert named <= {*DIALECTS, EVERYWHERE}


def test_each_scenario_on_the_wire_is_played_by_some_dialect() -> None:
    unplayed = {
        scenario.number
        for scenario in ALL
        if all(scenario.reason_against(name) for name in DIALECTS)
    }
    assert unplayed == {19, 42, 59, 60, 61, 62, 63}


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: str(scenario.number))
def test_the_document_says_of_each_scenario_where_the_kit_plays_it(scenario: Scenario) -> None:
    rows = {int(number): (sentence, kit) for number, sentence, kit, _ in _rows()}
    assert rows[scenario.number] == (scenario.sentence, _played_in(scenario))


def test_what_the_kit_can_not_play_has_a_test_or_a_decision_of_its_own() -> None:
    unproven = [
        int(number)
        for number, _, kit, also in _rows()
        if kit == "none" and not NAMED_TEST.search(also) and "Decision:" not in also
    ]
    assert unproven == []


def _rows() -> list[tuple[str, str, str, str]]:
    return ROW.findall(DOCUMENT.read_text())


def _played_in(scenario: Scenario) -> str:
    if EVERYWHERE in scenario.not_for:
        return "none"
    left_out = [name for name in DIALECTS if scenario.reason_against(name)]
    played = [name for name in DIALECTS if name not in left_out]
    if not left_out:
        return "all"
    few = len(played) <= 2
    return f"only {', '.join(played)}" if few else f"all but {', '.join(left_out)}"


def test_there_is_a_dialect_for_each_protocol_that_can_be_chosen() -> None:
    assert {"native", "swipe", "hub88", "iplaygames"} == PROTOCOLS
