"""The pure decision: every code, every window at both its edges, caps at both ages."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from apps.players import rules
from apps.players.enums import Evidence, ExclusionKind, LimitKind, RuleKind, Window
from apps.players.protection import (
    Protection,
    ProtectionNotLoadedError,
    ProtectionState,
    Term,
    Used,
    hour_of,
    refusal,
    slots_of,
    window_start,
)

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
FIRST = datetime(2020, 1, 1, tzinfo=UTC)


def ask(state: ProtectionState, stake_minor: int = 100, **more: Any) -> str:
    values = {"category": "slot", "now": NOW, **more}
    return refusal(state, stake_minor=stake_minor, **values)


def limited(kind: LimitKind, amount: int, used: Used | None = None) -> ProtectionState:
    return ProtectionState(
        limits=[Term(kind, FIRST, None, amount)],
        used={kind.window: used or Used()},
        as_of=NOW,
    )


def test_a_player_without_anything_may_stake() -> None:
    assert ask(ProtectionState(as_of=NOW)) == ""


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("blocked", "player_blocked"),
        ("self_excluded", "self_excluded"),
        ("closed", "account_closed"),
        ("something new", "player_blocked"),
    ],
)
def test_a_standing_other_than_active_has_its_code(status: str, code: str) -> None:
    assert ask(ProtectionState(status=status, as_of=NOW)) == code


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (ExclusionKind.SELF_EXCLUSION, "self_excluded"),
        (ExclusionKind.TIME_OUT, "time_out"),
        (ExclusionKind.CLOSURE, "account_closed"),
    ],
)
def test_an_exclusion_holds_from_its_start_up_to_its_end(kind: ExclusionKind, code: str) -> None:
    end = NOW + timedelta(hours=1)
    state = ProtectionState(exclusions=[Term(kind, NOW, end)], as_of=NOW)
    assert ask(state, now=NOW - timedelta(microseconds=1)) == ""
    assert ask(state) == code
    assert ask(state, now=end - timedelta(microseconds=1)) == code
    assert ask(state, now=end) == ""


def test_the_gravest_reason_is_the_one_told() -> None:
    terms = [Term(kind, FIRST, None) for kind in reversed(ExclusionKind.values)]
    assert ask(ProtectionState(status="blocked", exclusions=terms, as_of=NOW)) == "account_closed"


@pytest.mark.parametrize("window", Window.values)
def test_a_wager_limit_takes_the_exact_amount_and_nothing_above(window: str) -> None:
    kind = LimitKind(f"wager_{window}")
    state = limited(kind, 1_000, Used(staked_minor=900, won_minor=5_000))
    assert ask(state, 100) == ""
    assert ask(state, 101) == "wager_limit"


@pytest.mark.parametrize("window", Window.values)
def test_a_loss_limit_counts_a_stake_as_lost_until_it_wins(window: str) -> None:
    kind = LimitKind(f"loss_{window}")
    state = limited(kind, 1_000, Used(staked_minor=5_000, won_minor=4_100))
    assert ask(state, 100) == ""
    assert ask(state, 101) == "loss_limit"


def test_a_deposit_limit_does_not_stop_a_stake() -> None:
    assert ask(limited(LimitKind.DEPOSIT_24H, 0, Used(deposited_minor=500))) == ""


def test_a_time_limit_counts_begun_blocks_of_five_minutes() -> None:
    state = limited(LimitKind.TIME_24H, 10)
    state.played = set(slots_of(hour_of(NOW), 0b1))
    assert ask(state) == ""
    state.played = set(slots_of(hour_of(NOW), 0b101))
    assert ask(state) == "time_limit"


def test_the_lowest_of_several_limits_wins() -> None:
    state = limited(LimitKind.WAGER_24H, 10_000, Used(staked_minor=450))
    state.limits.append(Term(LimitKind.WAGER_24H, FIRST, None, 500))
    assert ask(state, 50) == ""
    assert ask(state, 51) == "wager_limit"


def test_a_limit_that_starts_later_does_not_count_yet() -> None:
    state = limited(LimitKind.WAGER_24H, 1)
    state.limits = [Term(LimitKind.WAGER_24H, NOW + timedelta(seconds=1), None, 1)]
    assert ask(state) == ""


@pytest.mark.parametrize(("window", "hours"), [("24h", 24), ("7d", 168), ("1m", 744)])
def test_an_hour_counts_while_any_part_of_it_is_inside_the_window(window: str, hours: int) -> None:
    start = window_start(Window(window), NOW)
    last_inside = hour_of(NOW - timedelta(hours=hours))
    assert last_inside > start
    assert not last_inside - timedelta(hours=1) > start
    exactly = datetime(2026, 11, 22, 10, tzinfo=UTC)
    # At the full hour the hour that ended exactly a window ago is outside.
    assert not exactly - timedelta(hours=hours + 1) > window_start(Window(window), exactly)


def test_a_batch_carries_its_own_stakes_and_gives_back_what_is_rolled_back() -> None:
    state = limited(LimitKind.WAGER_24H, 250)
    batch = Protection(states={1: state}, loaded=frozenset([1]))

    def stake() -> str:
        return batch.refusal(1, stake_minor=100, category="slot", now=NOW)

    for _ in range(2):
        assert stake() == ""
        batch.count(1, at=NOW, staked_minor=100)
    assert stake() == "wager_limit"
    batch.count(1, at=NOW - timedelta(days=2), staked_minor=-100)
    assert stake() == "wager_limit"
    batch.count(1, at=NOW, staked_minor=-100)
    assert stake() == ""
    assert batch.refusals == {(1, hour_of(NOW), "wager_limit"): 2}
    assert batch.tallies[1, hour_of(NOW)].checks == 5
    assert batch.tallies[1, hour_of(NOW - timedelta(days=2))].staked_minor == -100


def test_a_stake_is_never_judged_for_a_player_nobody_looked_up() -> None:
    with pytest.raises(ProtectionNotLoadedError):
        Protection().refusal(1, stake_minor=1, category="slot", now=NOW)
    with pytest.raises(ProtectionNotLoadedError):
        Protection().standing(1, NOW)


def in_britain(born: date | None, currency: str = "GBP", place: str = "GB") -> ProtectionState:
    return ProtectionState(jurisdiction=place, currency=currency, born=born, as_of=NOW)


@pytest.mark.parametrize(
    ("born", "cap"),
    [
        (date(2001, 11, 22), 500),
        (date(2001, 11, 23), 200),
        (date(1960, 1, 1), 500),
        (None, 200),
    ],
)
def test_a_british_slot_stake_is_capped_by_age_on_the_day(born: date | None, cap: int) -> None:
    assert ask(in_britain(born), cap) == ""
    assert ask(in_britain(born), cap + 1) == "stake_cap"
    assert ask(in_britain(born, place="GB-NIR"), cap + 1) == "stake_cap"


def test_a_cap_holds_for_the_cycle_and_only_for_its_category() -> None:
    state = in_britain(date(1960, 1, 1))
    assert ask(state, 200, cycle_minor=300) == ""
    assert ask(state, 201, cycle_minor=300) == "stake_cap"
    assert ask(state, 50_000, category="roulette") == ""
    assert ask(ProtectionState(jurisdiction="MT", currency="EUR", as_of=NOW), 50_000) == ""


def test_a_cap_in_another_currency_lets_nothing_pass() -> None:
    assert ask(in_britain(date(1960, 1, 1), currency="EUR"), 1) == "stake_cap"
    assert ask(in_britain(date(1960, 1, 1), currency="EUR"), 0) == ""


def test_a_cap_holds_from_its_day_on() -> None:
    young = in_britain(date(2005, 1, 1))
    assert ask(young, 500, now=datetime(2025, 5, 20, tzinfo=UTC)) == ""
    assert ask(young, 201, now=datetime(2025, 5, 21, tzinfo=UTC)) == "stake_cap"
    assert ask(young, 900, now=datetime(2025, 4, 8, tzinfo=UTC)) == ""


def test_a_birthday_for_a_cap_begins_at_midnight_of_the_jurisdiction() -> None:
    almost = in_britain(date(2002, 6, 16))
    assert ask(almost, 201, now=datetime(2027, 6, 15, 22, 59, tzinfo=UTC)) == "stake_cap"
    assert ask(almost, 500, now=datetime(2027, 6, 15, 23, 0, tzinfo=UTC)) == ""


def test_who_was_born_on_29_february_is_older_on_1_march() -> None:
    born = date(2000, 2, 29)
    assert rules.age_on(born, date(2025, 2, 28)) == 24
    assert rules.age_on(born, date(2025, 3, 1)) == 25


@pytest.mark.parametrize(
    ("place", "hours"),
    [("GB", 24), ("GB-NIR", 24), ("AU", 168), ("AU-NT", 168), ("MT", 24), ("SE", 168)],
)
def test_each_place_has_its_delay_and_an_unknown_one_the_longest(place: str, hours: int) -> None:
    delay = rules.hours_or_days(RuleKind.LIMIT_INCREASE_DELAY, place, NOW.date())
    assert delay == timedelta(hours=hours)


def test_every_rule_names_its_source_and_every_place_has_somebody_to_call() -> None:
    assert all(rule.citation for rule in rules.all_rules())
    graded = {rule.evidence for rule in rules.all_rules()}
    graded |= {link.evidence for link in rules.all_support_links()}
    assert graded <= set(Evidence.values)
    # What only says that there is a check, and not how often, is no source of the number.
    ours = {rule.id for rule in rules.all_rules() if rule.evidence == Evidence.HOUSE}
    assert {"MT-1C", "GB-RC-1", "MT-2", "AU-BS-1"} <= ours
    assert len({rule.id for rule in rules.all_rules()}) == len(rules.all_rules())
    for place in ("GB", "AU-NT", "MT", "US-NJ", "SE"):
        links = rules.support_links(place)
        assert links
        assert all(link.name and link.url.startswith("https://") for link in links)


def test_a_check_is_due_after_its_time_and_where_there_never_was_one() -> None:
    checked = date(2026, 8, 1)
    assert not rules.is_check_due(checked, checked + rules.CHECK_EVERY)
    assert rules.is_check_due(checked, checked + rules.CHECK_EVERY + timedelta(days=1))
    assert rules.is_check_due(None, checked)
