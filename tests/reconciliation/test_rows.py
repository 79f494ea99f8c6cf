"""Reading statements: each kind of bad row by its line, each kind of bad file by its name."""

import gzip
import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.errors import DomainError
from apps.core.money import EXPONENTS, to_minor
from apps.reconciliation import errors
from apps.reconciliation.contracts import ParsedStatement
from apps.reconciliation.engine.duck import open_engine
from apps.reconciliation.engine.normalise import (
    PROBLEMS_KEPT,
    judge_rows,
    load_rows,
    write_parquet,
)
from apps.reconciliation.engine.unpack import Limits, fingerprint, unpack
from apps.reconciliation.enums import FileFormat
from tests.reconciliation.files import DAY, HEADER, csv_bytes, row

type Read = tuple[ParsedStatement, DomainError | None, list[dict[str, object]]]

SMALL = Limits(file=1 << 20, unpacked=2 << 20, document=1 << 18, line=4096)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def read(
    work: Path, content: bytes, *, day: date | None = DAY, allowed: int = 10_000, zone: str = "UTC"
) -> Read:
    source = work / "source"
    source.write_bytes(content)
    lines = work / "lines"
    mark = fingerprint(source)
    file_format = unpack(source, lines, is_gzip=mark.is_gzip, limits=SMALL)
    (work / "engine.duckdb").unlink(missing_ok=True)
    with open_engine(work) as engine:
        load_rows(engine, lines, file_format)
        report, refusal = judge_rows(engine, time_zone=zone, day=day, allowed_basis_points=allowed)
        write_parquet(engine, work / "rows.parquet")
        found = engine.execute(
            "SELECT * EXCLUDE occurred_at, epoch_us(occurred_at) AS occurred_us"
            " FROM read_parquet($file)",
            {"file": str(work / "rows.parquet")},
        )
        names = [column[0] for column in found.description or []]
        return report, refusal, [dict(zip(names, r, strict=True)) for r in found.fetchall()]


def faults(report: ParsedStatement) -> list[tuple[int, str]]:
    return [(problem.line, problem.code) for problem in report.problems]


def test_a_good_row_becomes_minor_units_and_utc(work: Path) -> None:
    content = csv_bytes([row("e-1", bet="12.30", win="0.05", at=f"{DAY}T10:00:00.123+02:00")])

    report, refusal, rows = read(work, content)

    assert refusal is None
    assert (report.rows_total, report.rows_good, report.rows_bad) == (1, 1, 0)
    assert rows[0]["bet_minor"] == 1230
    assert rows[0]["win_minor"] == 5
    assert rows[0]["occurred_us"] == 1_794_988_800_123_000
    assert rows[0]["line"] == 2


@pytest.mark.parametrize(
    ("change", "code", "hint"),
    [
        ({"bet": "12,30"}, "bad_amount", "decimal comma"),
        ({"bet": "1,234.50"}, "bad_amount", "thousands"),
        ({"bet": "1.234,50"}, "bad_amount", "thousands"),
        ({"bet": "1e3"}, "bad_amount", "exponent"),
        ({"bet": "1.5E+2"}, "bad_amount", "exponent"),
        ({"bet": "NaN"}, "bad_amount", "not a number"),
        ({"bet": "Infinity"}, "bad_amount", "not a number"),
        ({"bet": "1.234"}, "bad_amount", "AUD has 2 decimals"),
        ({"bet": "100.0", "currency": "JPY"}, "bad_amount", "JPY has 0 decimals"),
        ({"win": "01.00"}, "bad_amount", "leading zeros"),
        ({"win": "1."}, "bad_amount", ""),
        ({"win": " 1.00"}, "bad_amount", ""),
        ({"win": "1234567890123456"}, "bad_amount", ""),
        ({"win": "999999999999999.9999", "currency": "CLF"}, "bad_amount", ""),
        ({"win": "١٢"}, "bad_amount", ""),
        ({"balance_before": "-1.00"}, "bad_amount", "negative"),
        ({"bet": "-1.00"}, "bad_amount", "negative"),
        ({"at": f"{DAY}T10:00:00"}, "bad_timestamp", "zone"),
        ({"at": f"{DAY} 10:00:00Z"}, "bad_timestamp", ""),
        ({"at": "2026-10-25T02:30:00"}, "bad_timestamp", "zone"),
        ({"at": f"{DAY}T23:59:60Z"}, "bad_timestamp", ""),
        ({"at": f"{DAY}T24:00:00Z"}, "bad_timestamp", ""),
        ({"at": "2026-02-30T10:00:00Z"}, "bad_timestamp", ""),
        ({"at": "18/11/2026 10:00"}, "bad_timestamp", ""),
        ({"at": f"{DAY}T10:00:00+99:00"}, "bad_timestamp", ""),
        ({"event": "1.23E+15"}, "mangled_id", "spreadsheet"),
        ({"player": "1.23E+15"}, "mangled_id", "spreadsheet"),
        ({"event": "7.00012E+9"}, "mangled_id", "spreadsheet"),
        ({"currency": "XTS"}, "unknown_currency", ""),
        ({"currency": "aud"}, "unknown_currency", ""),
        ({"event": "=1+1"}, "formula_cell", ""),
        ({"player": "@SUM(A1)"}, "formula_cell", ""),
        ({"event": "+61"}, "formula_cell", ""),
        ({"game": "-2"}, "formula_cell", ""),
        ({"event": "-5"}, "formula_cell", ""),
        ({"event": ""}, "missing_field", ""),
        ({"currency": ""}, "missing_field", ""),
        ({"event": "x" * 129}, "bad_field", ""),
        ({"event": "a b"}, "bad_field", ""),
        ({"event": "é"}, "bad_field", ""),
        ({"event": "a\x07b"}, "bad_field", ""),
        ({"event": "a\rb"}, "bad_field", ""),
        ({"status": "Settled"}, "bad_field", ""),
        ({"round_type": "gamble"}, "bad_field", ""),
        ({"finalized": "yes"}, "bad_field", ""),
        ({"promo_multiplier": "two"}, "bad_field", ""),
    ],
)
def test_a_bad_row_is_left_out_and_named_by_its_line(
    work: Path, change: dict[str, str], code: str, hint: str
) -> None:
    content = csv_bytes([row("e-1"), row("e-2", **change), row("e-3")])

    report, _, rows = read(work, content)

    assert faults(report) == [(3, code)]
    assert hint in report.problems[0].reason
    assert [each["event_id"] for each in rows] == ["e-1", "e-3"]
    assert report.problem_counts == {code: 1}


def test_lines_are_counted_as_an_editor_shows_them(work: Path) -> None:
    good = csv_bytes([row("e-1")]).decode()
    header, line = good.splitlines()
    content = (
        f'\ufeff{header}\r\n{line}\n\n"e-2",too,few\r\nplain,short\n{line}x,y\r\n"open,quote\n'
    )

    report, _, rows = read(work, content.encode())

    assert faults(report) == [(n, "wrong_columns") for n in (4, 5, 6, 7)]
    assert report.rows_total == 5
    assert [each["line"] for each in rows] == [2]


def test_quotes_are_read_as_csv_has_them(work: Path) -> None:
    line = ",".join(f'"{value}"' for value in row("e-1").values())

    report, _, rows = read(work, f"{HEADER}\n{line}\n".encode())

    assert faults(report) == []
    assert rows[0]["event_id"] == "e-1"
    assert rows[0]["bet_minor"] == 200


def test_columns_may_stand_in_any_order_beside_unknown_ones(work: Path) -> None:
    values = row("e-1")
    names = [*reversed(values), "comment"]
    line = ",".join([*reversed(values.values()), "hello"])

    report, _, rows = read(work, f"{','.join(names)}\n{line}".encode())

    assert faults(report) == []
    assert rows[0]["player_ref"] == "p-1"


def test_a_row_of_another_day_is_taken_and_said(work: Path) -> None:
    content = csv_bytes([row("e-1"), row("e-2"), row("e-3", at="2026-11-19T00:00:00.000Z")])

    report, refusal, rows = read(work, content, day=None)

    assert refusal is None
    assert report.day == DAY
    assert (report.rows_good, report.rows_other_day) == (3, 1)
    assert faults(report) == [(4, "other_day")]
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("at", "zone", "expected"),
    [
        ("2026-11-18T23:59:59.999Z", "UTC", date(2026, 11, 18)),
        ("2026-11-18T23:59:59.999Z", "Asia/Singapore", date(2026, 11, 19)),
        ("2026-10-25T00:30:00Z", "Europe/Malta", date(2026, 10, 25)),
        ("2026-10-25T22:59:59.999Z", "Europe/Malta", date(2026, 10, 25)),
        ("2026-10-25T23:00:00Z", "Europe/Malta", date(2026, 10, 26)),
    ],
)
def test_a_row_belongs_to_the_day_of_the_providers_clock(
    work: Path, at: str, zone: str, expected: date
) -> None:
    report, _, _ = read(work, csv_bytes([row("e-1", at=at)]), day=None, zone=zone)

    assert report.day == expected


def test_too_many_bad_rows_refuse_the_file(work: Path) -> None:
    rows = [row(f"e-{n}") for n in range(99)]
    one_bad = csv_bytes([*rows, row("bad", bet="x")])
    two_bad = csv_bytes([*rows[1:], row("bad", bet="x"), row("worse", bet="y")])

    assert read(work, one_bad, allowed=100)[1] is None
    report, refusal, _ = read(work, two_bad, allowed=100)

    assert isinstance(refusal, errors.TooManyBadRowsError)
    assert faults(report) == [(100, "bad_amount"), (101, "bad_amount")]


def test_rows_of_demo_play_are_counted_and_neither_taken_nor_bad(work: Path) -> None:
    """A provider's log may hold more play for fun than play for money."""
    demo = [row(f"fun-{n}", currency="XXX", bet="0.00001") for n in range(300)]
    content = csv_bytes([*demo, row("e-1"), row("e-2", bet="x"), row("e-3")])

    report, _, rows = read(work, content, allowed=100)

    assert [each["event_id"] for each in rows] == ["e-1", "e-3"]
    assert (report.rows_total, report.rows_good, report.rows_bad, report.rows_demo) == (
        303,
        2,
        1,
        300,
    )
    assert report.problem_counts == {"bad_amount": 1, "demo": 300}
    # The row that somebody must look at comes before those that nobody need.
    assert faults(report)[:2] == [(303, "bad_amount"), (2, "demo")]
    assert len(report.problems) == PROBLEMS_KEPT


def test_demo_play_thins_out_no_bad_rows(work: Path) -> None:
    """Two bad rows of a hundred with money are too many, however much was played for fun."""
    demo = [row(f"fun-{n}", currency="XXX") for n in range(300)]
    rows = [row(f"e-{n}") for n in range(98)]
    bad = [row("bad", bet="x"), row("worse", bet="y")]

    _, refusal, _ = read(work, csv_bytes([*demo, *rows, *bad]), allowed=100)

    assert isinstance(refusal, errors.TooManyBadRowsError)


def test_a_file_for_another_day_than_given_is_refused(work: Path) -> None:
    _, refusal, _ = read(work, csv_bytes([row("e-1")]), day=date(2026, 11, 19))

    assert isinstance(refusal, errors.WrongDayError)


def test_a_file_without_rows_needs_its_day(work: Path) -> None:
    assert isinstance(read(work, csv_bytes([]), day=None)[1], errors.DayUnknownError)
    assert read(work, csv_bytes([]), day=DAY)[1] is None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", errors.EmptyFileError),
        (b"\xef\xbb\xbf  \n", errors.EmptyFileError),
        ("event_id,player_id".encode("utf-16"), errors.WrongEncodingError),
        (csv_bytes([row("e-1")]) + "é,x\n".encode("latin-1"), errors.WrongEncodingError),
        (csv_bytes([row("e-1")]) + b"\x00\n", errors.WrongEncodingError),
        (csv_bytes([row("e-1")]) + "é".encode()[:1], errors.WrongEncodingError),
        (b",".join(b"c%d" % n for n in range(100_000)), errors.LineTooLongError),
        (b",".join(b"c%d" % n for n in range(500)), errors.UnreadableHeaderError),
        (HEADER.replace(",", ";").encode(), errors.UnreadableHeaderError),
        (f"{HEADER},event_id\n".encode(), errors.UnreadableHeaderError),
        (b'"event_id\n', errors.UnreadableHeaderError),
        (HEADER.replace("bet_amount", "bet").encode(), errors.MissingColumnError),
        (csv_bytes([row("e-1")]) + b"x" * 5000, errors.LineTooLongError),
        (csv_bytes([row("e-1")]) * 20_000, errors.FileTooLargeError),
        (gzip.compress(b"x,y\n" * 1_000_000), errors.FileTooLargeError),
        (gzip.compress(csv_bytes([row("e-1")]))[:-9], errors.BrokenCompressionError),
        (b"\x1f\x8bnot gzip at all", errors.BrokenCompressionError),
        (b"[{", errors.UnreadableDocumentError),
        (b'[{"a": NaN}]', errors.UnreadableDocumentError),
        (b"[" * 60_000, errors.UnreadableDocumentError),
        (b'{"rounds": {}}\n{"rounds": []}', None),
        (b'{\n"total": 3\n}', errors.UnreadableDocumentError),
        (b"<html><body>Sign in</body></html>", errors.MissingColumnError),
    ],
)
def test_a_file_that_is_no_statement_is_refused_by_name(
    work: Path, content: bytes, expected: type[errors.StatementRefusedError] | None
) -> None:
    if expected is None:
        report, _, _ = read(work, content)
        assert report.rows_bad == report.rows_total
        return
    with pytest.raises(expected):
        read(work, content)


@pytest.mark.parametrize("file_format", ["ndjson", "array", "document", "pretty"])
@pytest.mark.parametrize("is_gzip", [False, True])
def test_json_is_read_in_each_of_its_forms(work: Path, file_format: str, *, is_gzip: bool) -> None:
    rows = [row("e-1"), {**row("e-2"), "finalized": False}, row("e-3")]
    text = {
        "ndjson": "\n".join(json.dumps(each) for each in rows),
        "array": json.dumps(rows),
        "document": json.dumps({"day": str(DAY), "rounds": rows}),
        "pretty": json.dumps({"rounds": rows}, indent=2),
    }[file_format]
    content = gzip.compress(text.encode()) if is_gzip else text.encode()

    report, refusal, read_rows = read(work, content)

    assert refusal is None
    assert faults(report) == []
    assert [each["event_id"] for each in read_rows] == ["e-1", "e-2", "e-3"]
    assert [each["finalized"] for each in read_rows] == [True, False, True]
    assert [each["line"] for each in read_rows] == [1, 2, 3]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('{"event_id": "e-2"', "bad_json"),
        ('["e-2"]', "bad_json"),
        ("3", "bad_json"),
        ("null", "bad_json"),
        ('{"event_id": "a", "event_id": "b"}', "bad_json"),
        (json.dumps({**row("e-2"), "bet_amount": 12.5}), "bad_amount"),
        (json.dumps({**row("e-2"), "bet_amount": 12}), "bad_amount"),
        (json.dumps(row("e-2")).replace('"2.00"', "NaN"), "bad_amount"),
        (json.dumps({**row("e-2"), "bet_amount": None}), "missing_field"),
        (json.dumps({**row("e-2"), "event_id": ["e-2"]}), "bad_field"),
        (json.dumps({**row("e-2"), "event_id": 17}), "bad_field"),
        (json.dumps({**row("e-2"), "finalized": 1}), "bad_field"),
        (json.dumps({**row("e-2"), "event_id": "e\n2"}), "bad_field"),
        (json.dumps({k: v for k, v in row("e-2").items() if k != "status"}), "missing_field"),
    ],
)
def test_a_bad_json_row_is_left_out_and_named_by_its_line(work: Path, line: str, code: str) -> None:
    content = f"{json.dumps(row('e-1'))}\n{line}\n{json.dumps(row('e-3'))}\n"

    report, _, rows = read(work, content.encode())

    assert faults(report) == [(2, code)]
    assert [each["event_id"] for each in rows] == ["e-1", "e-3"]


@settings(deadline=None, max_examples=60)
@given(
    data=st.lists(
        st.tuples(
            st.text(alphabet="0123456789.,-+eE ", max_size=20)
            | st.from_regex(r"\A(0|[1-9][0-9]{0,15})(\.[0-9]{1,5})?\Z"),
            st.sampled_from(["AUD", "JPY", "KWD", "CLF", "USD"]),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_amounts_are_read_exactly_as_the_money_module_reads_them(
    tmp_path_factory: pytest.TempPathFactory, data: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("amounts")
    lines = [
        json.dumps(row(f"e-{n:03}", bet=text or "-", currency=currency, win="0"))
        for n, (text, currency) in enumerate(data)
    ]

    _, _, rows = read(folder, "\n".join(lines).encode())

    expected = {}
    for n, (text, currency) in enumerate(data):
        try:
            expected[f"e-{n:03}"] = to_minor(text or "-", currency)
        except DomainError:
            continue
    assert {each["event_id"]: each["bet_minor"] for each in rows} == expected
    assert EXPONENTS["CLF"] == 4


@pytest.mark.parametrize("day", ["18", "19", "20"])
def test_the_sample_statements_are_read_without_a_bad_row(
    work: Path, aurora_statements: dict[str, Path], day: str
) -> None:
    source = aurora_statements[day]
    lines = work / "lines"
    file_format = unpack(source, lines, is_gzip=True, limits=Limits())
    with open_engine(work) as engine:
        load_rows(engine, lines, file_format)
        report, refusal = judge_rows(engine, time_zone="UTC", day=None, allowed_basis_points=0)

    assert refusal is None
    assert (report.rows_total, report.rows_bad, report.rows_other_day) == (11_996, 0, 0)
    assert report.day == date(2026, 11, int(day))
    assert file_format == (FileFormat.NDJSON if day == "20" else FileFormat.CSV)
