"""The list itself: all 65, each with a reason where it does not apply, each proven somewhere."""

import importlib
import re

import pytest

from apps.simulator.acceptance.kit import ALL
from apps.simulator.acceptance.scenario import EVERYWHERE
from apps.simulator.dialects.registry import DIALECTS
from tests.architecture.layers import REPOSITORY

PROTOCOLS = {kind.protocol for kind in DIALECTS.values()}

PROVEN_ELSEWHERE = {
    42: (
        "tests.rounds.test_stuck_rounds",
        "test_a_round_that_holds_a_stake_is_flagged_after_a_day_and_told_of_once",
    ),
    59: (
        "tests.gateway.test_wallet_models_transfer",
        "test_a_transfer_out_that_times_out_is_decided_by_its_status",
    ),
    60: (
        "tests.reconciliation.test_compare",
        "test_planted_defects_of_each_class_are_found_exactly",
    ),
    61: ("tests.reconciliation.test_pulls", "test_pulling_the_same_content_again_changes_nothing"),
    62: ("tests.reconciliation.test_runs", "test_an_event_is_matched_across_midnight"),
    63: (
        "tests.reconciliation.test_runs",
        "test_a_row_of_a_test_player_is_counted_and_not_in_the_net_position",
    ),
}
"""Scenarios that no callback brings about, and the test that holds each of them."""
IN_NO_PROTOCOL = {19}


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
    assert unplayed == {*IN_NO_PROTOCOL, *PROVEN_ELSEWHERE}


def test_the_documents_list_of_what_is_not_played_is_this_one() -> None:
    text = (REPOSITORY / "docs" / "acceptance.md").read_text()
    section = text.split("## What it does not play", 1)[1].split("\n## ", 1)[0]
    named = {
        number
        for first, last in re.findall(r"\b(\d+)(?: to (\d+))?\b", section)
        for number in range(int(first), int(last or first) + 1)
    }

    assert named == {*IN_NO_PROTOCOL, *PROVEN_ELSEWHERE}


@pytest.mark.parametrize("number", PROVEN_ELSEWHERE)
def test_a_scenario_off_the_wire_is_held_by_another_test(number: int) -> None:
    module, name = PROVEN_ELSEWHERE[number]
    assert callable(getattr(importlib.import_module(module), name))


def test_there_is_a_dialect_for_each_protocol_that_can_be_chosen() -> None:
    assert {"native", "swipe", "hub88", "iplaygames"} == PROTOCOLS
