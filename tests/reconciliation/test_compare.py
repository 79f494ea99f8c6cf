"""The comparison against a plain Python oracle, and against defects that were planted."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.reconciliation.contracts import Comparison, CurrencyVariance
from apps.reconciliation.engine.compare import break_items, compare
from apps.reconciliation.engine.compare_sql import BREAKS_WITH_FACTS
from apps.reconciliation.engine.duck import open_engine
from apps.reconciliation.enums import BreakClass

CLASSES = list(BreakClass.values)

COPY = """
COPY (SELECT *, make_timestamptz(1794996000000000) AS occurred_at, event_id AS round_ref,
    'g' AS game_code FROM t) TO '{}' (FORMAT parquet)
"""


@dataclass(frozen=True)
class Fact:
    """One event as one side tells it."""

    event: str
    player: str = "p-1"
    currency: str = "AUD"
    bet: int = 100
    win: int = 50
    status: str = "settled"

    @property
    def effective(self) -> tuple[int, int]:
        return (0, 0) if self.status == "rolled_back" else (self.bet, self.win)


def write(path: Path, facts: list[Fact]) -> None:
    rows = [
        (f.event, f.player, f.currency, f.bet, f.win, f.status, n) for n, f in enumerate(facts, 2)
    ]
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            "CREATE TABLE t (event_id VARCHAR, player_ref VARCHAR, currency VARCHAR,"
            " bet_minor BIGINT, win_minor BIGINT, status VARCHAR, line BIGINT)"
        )
        if rows:
            connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        connection.execute(COPY.format(path))


def run(
    folder: Path, statement: list[Fact], ledger: list[Fact], neighbour: list[Fact] | None = None
) -> tuple[Comparison, dict[str, list[str]], list[tuple[object, ...]]]:
    (folder / "engine.duckdb").unlink(missing_ok=True)
    write(folder / "s.parquet", statement)
    write(folder / "l.parquet", ledger)
    neighbours = []
    if neighbour is not None:
        write(folder / "n.parquet", neighbour)
        neighbours = [folder / "n.parquet"]
    with open_engine(folder) as engine:
        found = compare(
            engine,
            statement=folder / "s.parquet",
            ledger=folder / "l.parquet",
            neighbours=neighbours,
        )
        return found, break_items(engine), engine.execute(BREAKS_WITH_FACTS).fetchall()


def oracle_class(said: list[Fact], booked: Fact | None) -> str | None:
    if len(said) > 1:
        return "duplicate"
    if booked is None:
        return "missing_in_ledger"
    if not said:
        return "missing_at_provider"
    one = said[0]
    checks = [
        ("player", one.player != booked.player),
        ("currency", one.currency != booked.currency),
        ("amount", (one.bet, one.win) != (booked.bet, booked.win)),
        ("status", one.status != booked.status),
    ]
    return next((name for name, differs in checks if differs), None)


def oracle_variance(statement: list[Fact], ledger: list[Fact]) -> dict[str, tuple[int, int, int]]:
    gross: Counter[str] = Counter()
    net_said: Counter[str] = Counter()
    net_booked: Counter[str] = Counter()
    turnover: Counter[str] = Counter()
    booked = {f.event: f for f in ledger}
    for f in statement:
        net_said[f.currency] += f.effective[0] - f.effective[1]
        turnover[f.currency] += f.effective[0]
        mine = booked.pop(f.event, None)
        if mine is not None and mine.currency == f.currency:
            gross[f.currency] += abs(f.effective[0] - mine.effective[0])
            gross[f.currency] += abs(f.effective[1] - mine.effective[1])
        else:
            gross[f.currency] += sum(f.effective)
            if mine is not None:
                gross[mine.currency] += sum(mine.effective)
    for f in booked.values():
        gross[f.currency] += sum(f.effective)
    for f in ledger:
        net_booked[f.currency] += f.effective[0] - f.effective[1]
    return {
        c: (gross[c], abs(net_said[c] - net_booked[c]), turnover[c])
        for c in {f.currency for f in [*statement, *ledger]}
    }


def without_zeros(
    lines: tuple[CurrencyVariance, ...] | dict[str, tuple[int, int, int]],
) -> dict[str, tuple[int, int, int]]:
    if isinstance(lines, dict):
        return {c: values for c, values in lines.items() if any(values)}
    return {
        v.currency: (v.gross_minor, v.net_minor, v.turnover_minor)
        for v in lines
        if v.gross_minor or v.net_minor or v.turnover_minor
    }


EDITS: dict[str, Callable[[Fact], list[Fact]]] = {
    "same": lambda f: [f],
    "duplicate": lambda f: [f, f],
    "triplicate": lambda f: [f, replace(f, bet=f.bet + 5), f],
    "missing": lambda _: [],
    "player": lambda f: [replace(f, player="p-other")],
    "currency": lambda f: [replace(f, currency="EUR")],
    "more": lambda f: [replace(f, bet=f.bet + 1)],
    "less": lambda f: [replace(f, win=f.win - 1)],
    "status": lambda f: [replace(f, status="rolled_back")],
    "everything": lambda f: [Fact(f.event, "p-x", "NZD", 7, 9, "rolled_back")],
}


@settings(deadline=None, max_examples=15)
@given(
    plan=st.lists(
        st.tuples(
            st.sampled_from(["both", "ledger", "statement"]),
            st.sampled_from(sorted(EDITS)),
            st.sampled_from(["AUD", "EUR", "JPY"]),
            st.integers(0, 500),
            st.integers(1, 500),
            st.sampled_from(["settled", "settled", "rolled_back", "open"]),
        ),
        max_size=60,
    ),
    seed=st.integers(0, 2**32),
)
def test_the_comparison_is_the_set_algebra_of_both_sides(
    tmp_path_factory: pytest.TempPathFactory,
    plan: list[tuple[str, str, str, int, int, str]],
    seed: int,
) -> None:
    ledger: list[Fact] = []
    statement: list[Fact] = []
    for n, (side, edit, currency, bet, win, status) in enumerate(plan):
        fact = Fact(f"e-{n:03}", f"p-{n % 3}", currency, bet, win, status)
        if side != "statement":
            ledger.append(fact)
        if side != "ledger":
            statement.extend(EDITS[edit](fact))
    expected: dict[str, list[str]] = {name: [] for name in CLASSES}
    for event in sorted({f.event for f in [*ledger, *statement]}):
        said = [f for f in statement if f.event == event]
        booked = next((f for f in ledger if f.event == event), None)
        if (name := oracle_class(said, booked)) is not None:
            expected[name].append(event)
    shuffled = list(statement)
    Random(seed).shuffle(shuffled)

    folder = tmp_path_factory.mktemp("compare")
    found, items, rows = run(folder, statement, ledger)
    again, items_again, _ = run(folder, shuffled, ledger[::-1])

    assert items == expected == items_again
    assert found.breaks == {name: len(events) for name, events in expected.items()} == again.breaks
    assert without_zeros(found.variance) == without_zeros(oracle_variance(statement, ledger))
    assert {r[0]: r[1] for r in rows} == {e: c for c, events in expected.items() for e in events}
    assert found.ledger_events == len(ledger)
    assert found.statement_rows == len(statement)
    assert found.statement_events == len({f.event for f in statement})
    assert found.matched == found.statement_events - (
        sum(found.breaks.values()) - found.breaks["missing_at_provider"]
    )


def test_planted_defects_of_each_class_are_found_exactly(tmp_path: Path) -> None:
    ledger = [Fact(f"e-{n:05}", f"p-{n % 50}", bet=100 + n % 7) for n in range(5_000)]
    said = {f.event: [f] for f in ledger}
    plan = {
        "duplicate": EDITS["duplicate"],
        "missing_at_provider": EDITS["missing"],
        "player": EDITS["player"],
        "currency": EDITS["currency"],
        "amount": EDITS["more"],
        "status": EDITS["status"],
    }
    planted: dict[str, list[str]] = {name: [] for name in CLASSES}
    for offset, (name, edit) in enumerate(plan.items()):
        for fact in ledger[offset * 700 : offset * 700 + 9]:
            said[fact.event] = edit(fact)
            planted[name].append(fact.event)
    extra = [Fact(f"x-{n}") for n in range(9)]
    planted["missing_in_ledger"] = [f.event for f in extra]
    statement = [*extra, *(f for facts in said.values() for f in facts)]

    found, items, _ = run(tmp_path, statement, ledger)

    assert items == planted
    assert found.breaks == dict.fromkeys(CLASSES, 9)
    assert found.matched == 5_000 - 6 * 9


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([Fact("e", "p-2", "EUR", 1, 1, "rolled_back")] * 2, "duplicate"),
        ([Fact("e", "p-2", "EUR", 1, 1, "rolled_back")], "player"),
        ([Fact("e", "p-1", "EUR", 1, 1, "rolled_back")], "currency"),
        ([Fact("e", "p-1", "AUD", 1, 1, "rolled_back")], "amount"),
        ([Fact("e", "p-1", "AUD", 100, 50, "rolled_back")], "status"),
    ],
)
def test_an_event_has_the_first_class_that_holds(
    tmp_path: Path, said: list[Fact], expected: str
) -> None:
    _, items, _ = run(tmp_path, said, [Fact("e")])

    assert items == {**{name: [] for name in CLASSES}, expected: ["e"]}


def test_only_a_pure_repeat_touches_no_player(tmp_path: Path) -> None:
    fact = Fact("e", bet=1)
    rest = [Fact(f"r-{n}", bet=1_000_000) for n in range(9)]
    other = replace(fact, win=49)

    pure, _, rows = run(tmp_path, [*rest, fact, fact], [*rest, fact])
    unlike, _, _ = run(tmp_path, [*rest, fact, other], [*rest, fact])
    unknown, _, _ = run(tmp_path, [*rest, fact, fact], rest)

    assert not pure.is_player_touched
    assert not pure.is_alert
    assert rows[0][4:6] == (1, 50)
    assert unlike.is_player_touched
    assert unknown.is_player_touched
    assert unknown.is_alert


def test_offsetting_errors_show_in_gross_and_not_in_net(tmp_path: Path) -> None:
    ledger = [Fact("a"), Fact("b")]

    found, _, _ = run(tmp_path, [Fact("a", win=70), Fact("b", win=30)], ledger)

    assert found.variance == (CurrencyVariance("AUD", 40, 0, 200),)
    assert found.is_alert


@pytest.mark.parametrize(("gross", "is_above"), [(1, False), (2, True)])
def test_the_alert_is_strictly_above_one_in_a_thousand(gross: int, *, is_above: bool) -> None:
    assert CurrencyVariance("AUD", gross, 0, 1_000).is_above_threshold is is_above
    assert CurrencyVariance("AUD", 0, gross, 1_000).is_above_threshold is is_above
    assert CurrencyVariance("AUD", 1, 0, 0).is_above_threshold


def test_an_event_filed_on_the_next_day_is_no_break(tmp_path: Path) -> None:
    ledger = [Fact("a"), Fact("b"), Fact("c")]

    found, items, _ = run(tmp_path, [Fact("a")], ledger, neighbour=[Fact("b"), Fact("z")])
    changed, changed_items, _ = run(
        tmp_path, [Fact("a")], ledger, neighbour=[Fact("b", bet=101), Fact("c")]
    )

    assert items["missing_at_provider"] == ["c"]
    assert found.breaks["missing_in_ledger"] == 0
    assert changed_items["amount"] == ["b"]
    assert changed.breaks["missing_at_provider"] == 0


def test_two_empty_sides_agree_on_nothing(tmp_path: Path) -> None:
    found, items, _ = run(tmp_path, [], [])

    assert found == Comparison(0, 0, 0, 0, dict.fromkeys(CLASSES, 0), (), is_player_touched=False)
    assert not any(items.values())
