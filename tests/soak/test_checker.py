"""The checker must be able to fail: each rule broken once in a small made-up run."""

from dataclasses import replace
from typing import Any

import pytest

from tests.soak.checker import check
from tests.soak.contracts import (
    Entry,
    Evidence,
    Kill,
    Line,
    OurEvent,
    Ours,
    Sample,
    State,
    Variant,
    Watched,
)

_STAKE = Entry("soak-hub88", "s-1", "stake", "anna", "EUR", 250, 0, State.ACCEPTED)
_WIN = Entry("soak-hub88", "w-1", "win", "anna", "EUR", 0, 400, State.ACCEPTED)
_UNDONE = Entry("soak-hub88", "s-2", "stake", "anna", "EUR", 100, 0, State.CANCELLED)
_UNDO = Entry("soak-hub88", "b-2", "rollback", "anna", "EUR", 0, 0, State.ACCEPTED, "s-2")
_GAP = Entry("soak-hub88", "w-9", "win", "anna", "EUR", 0, 900, State.GAP)


def _event(entry: Entry, money_state: str = "settled") -> OurEvent:
    return OurEvent(
        entry.provider,
        entry.id,
        entry.kind,
        entry.player,
        entry.currency,
        entry.stake_minor,
        entry.win_minor,
        status="accepted",
        code="",
        money_state=money_state,
        net_minor=entry.net_minor if money_state in {"held", "settled"} else 0,
    )


def _answered(op: str, at: float = 1.0, essence: str = "e", **more: Any) -> Line:
    line = Line(at, "ok", "soak-hub88", op, "stake", status=200, essence=essence)
    return replace(line, **more)


def _run() -> Evidence:
    """Return a run in which everything is as it should be."""
    return Evidence(
        seed=1,
        openings={"anna": 1_000},
        entries=(_STAKE, _WIN, _UNDONE, _UNDO, _GAP),
        forged_only=frozenset({("soak-hub88", "f-1")}),
        history=(
            _answered("s-1"),
            _answered("s-1", 2.0, is_copy=True),
            _answered("w-1", step="win"),
            _answered("b-2", step="rollback"),
            _answered("f-1", type="fail", status=401, variant=Variant.FORGED),
            Line(5.0, "info", "soak-hub88", "s-2", "stake", status=503, code="unavailable"),
        ),
        ours=Ours(
            events=(
                _event(_STAKE),
                _event(_WIN),
                _event(_UNDONE, "rolled_back"),
                _event(_UNDO, "none"),
            ),
            balances={"anna": 1_150},
            spendable={"anna": 1_150},
            conflicts=frozenset(),
        ),
        told=(("soak-hub88", "anna", 1_150),),
        samples=(Sample(2.0, (), 0),),
        kills=(Kill(4.0, "postgres", (4_711,)),),
        watched=Watched(down=((4.1, 5.5),), states={"gateway": "RUNNING"}, drain_seconds=12.0),
    )


def _with_ours(**changes: Any) -> Evidence:
    run = _run()
    return replace(run, ours=replace(run.ours, **changes))


def _broken_rules(evidence: Evidence) -> set[str]:
    return {finding.rule.split()[0] for finding in check(evidence).findings}


def test_a_run_in_which_both_books_agree_holds() -> None:
    verdict = check(_run())
    assert verdict.holds
    assert (verdict.lost, verdict.extra, verdict.differing, verdict.compared) == (0, 0, 0, 2)


def test_an_acknowledged_stake_that_we_lack_is_lost() -> None:
    events = _run().ours.events
    verdict = check(_with_ours(events=events[1:]))
    assert verdict.lost == 1
    assert {finding.rule.split()[0] for finding in verdict.findings} >= {"CK-1"}


def test_an_acknowledged_rollback_that_we_lack_is_lost() -> None:
    verdict = check(_with_ours(events=_run().ours.events[:-1]))
    assert [finding.rule.split()[0] for finding in verdict.findings] == ["CK-2"]
    assert verdict.lost == 1


def test_money_that_the_provider_never_heard_of_is_extra() -> None:
    run = _run()
    stranger = _event(replace(_WIN, id="w-2"))
    verdict = check(_with_ours(events=(*run.ours.events, stranger)))
    assert (verdict.lost, verdict.extra) == (0, 1)


def test_a_planted_gap_that_we_booked_is_extra() -> None:
    verdict = check(_with_ours(events=(*_run().ours.events, _event(_GAP))))
    assert verdict.extra == 1


@pytest.mark.parametrize(
    "change",
    [
        {"stake_minor": 251},
        {"player": "bert"},
        {"currency": "AUD"},
        {"kind": "win"},
        {"net_minor": -500},
    ],
    ids=["amount", "player", "currency", "kind", "ledger lines twice"],
)
def test_an_operation_that_differs_in_one_thing_is_differing(change: dict[str, Any]) -> None:
    events = _run().ours.events
    changed = replace(events[0], **change)
    verdict = check(_with_ours(events=(changed, *events[1:])))
    assert (verdict.lost, verdict.extra, verdict.differing) == (0, 0, 1)


def test_a_cancelled_stake_whose_money_did_not_come_back_is_extra() -> None:
    events = _run().ours.events
    kept = replace(events[2], net_minor=-100)
    assert check(_with_ours(events=(*events[:2], kept, events[3]))).extra == 1


def test_ledger_lines_of_no_event_are_found() -> None:
    assert _broken_rules(_with_ours(stray_subjects=("soak-hub88:x",))) == {"CK-1"}


def test_a_forged_message_that_was_taken_is_found() -> None:
    run = _run()
    taken = _answered("s-1", variant=Variant.FORGED)
    assert _broken_rules(replace(run, history=(*run.history, taken))) == {"CK-3"}
    stored = replace(_event(_UNDO, "none"), id="f-1")
    assert _broken_rules(_with_ours(events=(*run.ours.events, stored))) == {"CK-3"}


def test_a_contradiction_that_is_not_on_record_is_found() -> None:
    run = _run()
    told = _answered("s-1", type="fail", variant=Variant.CONFLICT)
    evidence = replace(run, history=(*run.history, told))
    assert _broken_rules(evidence) == {"CK-3"}
    on_record = replace(run.ours, conflicts=frozenset({("soak-hub88", "s-1")}))
    assert check(replace(evidence, ours=on_record)).holds


def test_a_repeat_with_another_answer_is_found() -> None:
    run = _run()
    other = _answered("s-1", 3.0, "other", is_copy=True)
    assert _broken_rules(replace(run, history=(*run.history, other))) == {"CK-5"}


def test_a_sum_that_is_off_for_a_moment_is_found() -> None:
    sample = Sample(3.0, ("EUR: pots hold 1, transfers made 2",), 0)
    assert _broken_rules(replace(_run(), samples=(sample,))) == {"CK-6"}


def test_a_ledger_that_does_not_fold_is_found() -> None:
    assert _broken_rules(_with_ours(problems=("account 7 differs",))) == {"CK-7"}


def test_a_balance_that_the_books_do_not_explain_is_found() -> None:
    assert _broken_rules(_with_ours(balances={"anna": 1_151})) == {"CK-8"}


def test_a_balance_that_a_provider_was_told_and_the_ledger_lacks_is_found() -> None:
    told = (("soak-hub88", "anna", 1_149),)
    assert _broken_rules(replace(_run(), told=told)) == {"CK-8"}


@pytest.mark.parametrize("name", ["outbox_waiting", "outbox_parked", "conflict_alerts"])
def test_an_effect_that_did_not_happen_once_is_found(name: str) -> None:
    assert _broken_rules(_with_ours(**{name: 1})) == {"CK-9"}


def test_a_changed_transfer_is_found() -> None:
    assert _broken_rules(replace(_run(), samples=(Sample(2.0, (), 1),))) == {"CK-11"}


def test_an_error_of_ours_is_excused_only_near_a_kill_that_explains_it() -> None:
    run = _run()
    assert _broken_rules(replace(run, kills=())) == {"CK-12"}
    assert _broken_rules(replace(run, kills=(Kill(4.0, "beat", (1,)),))) == {"CK-12"}
    late = Line(30.0, "info", "soak-hub88", "s-2", "stake", status=500)
    assert _broken_rules(replace(run, history=(*run.history, late))) == {"CK-12"}


def test_silence_is_no_error_of_ours_by_itself() -> None:
    run = _run()
    silence = Line(30.0, "info", "soak-hub88", "s-1", "stake", code="no_answer")
    assert check(replace(run, history=(*run.history, silence))).holds


@pytest.mark.parametrize("sizes", [(90.0, 301.0), (90.0, 155.0)], ids=["too large", "growing"])
def test_a_process_that_takes_ever_more_memory_is_found(sizes: tuple[float, float]) -> None:
    seen = ((0.0, 7, sizes[0]), (31.0, 7, sizes[0]), (90.0, 7, sizes[1]))
    watched = replace(_run().watched, memory={"gateway": seen})
    assert _broken_rules(replace(_run(), watched=watched)) == {"CK-12"}


def test_a_delivery_that_was_answered_as_parked_and_never_booked_is_found() -> None:
    run = _run()
    parked = Line(2.0, "info", "soak-hub88", "w-3", "win", status=200, code="ledger_unavailable")
    verdict = check(replace(run, history=(*run.history, parked)))
    assert verdict.lost == 1
    assert {finding.rule.split()[0] for finding in verdict.findings} == {"CK-2"}


@pytest.mark.parametrize("name", ["spool_waiting", "spool_set_aside"])
def test_what_stays_on_disk_is_found(name: str) -> None:
    assert _broken_rules(_with_ours(**{name: 1})) == {"CK-13"}


def test_what_is_not_done_in_time_is_found() -> None:
    run = _run()
    assert _broken_rules(_with_ours(unjudged=1)) == {"CK-13"}
    slow = replace(run.watched, drain_seconds=61.0)
    assert _broken_rules(replace(run, watched=slow)) == {"CK-13"}
    dead = replace(run.watched, states={"relay": "FATAL"})
    assert _broken_rules(replace(run, watched=dead)) == {"CK-13"}
    stuck = replace(_GAP, id="w-3", state=State.OPEN)
    assert _broken_rules(replace(run, entries=(*run.entries, stuck))) == {"CK-13"}
