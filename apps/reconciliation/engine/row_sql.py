"""The SQL that turns text lines into typed, judged rows. One statement per step.

Every value is read as text and typed by an explicit rule; a rule that fails makes the row's
``fault`` and never NULL money. Amounts become BIGINT minor units by shifting digits, so no float
and no rounding exist on the way.
"""

from typing import Final

from apps.core.money import EXPONENTS
from apps.reconciliation.engine.header import COLUMNS, REQUIRED
from apps.reconciliation.enums import RowFault

_AMOUNTS: Final = ("bet_amount", "win_amount", "balance_before", "balance_after")
DEMO_CURRENCY: Final = "XXX"
"""ISO 4217's code for no currency at all: what a round played for fun is logged with."""

_ID: Final = "[A-Za-z0-9_.:~-]{1,128}"
_AMOUNT: Final = r"(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?"
_TIME: Final = (
    "[0-9]{4}-[01][0-9]-[0-3][0-9][Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]{1,6})?([Zz]|[+-](0[0-9]|1[0-4]):[0-5][0-9])"
)
_ROUND_TYPES: Final = (
    "base",
    "free_spin",
    "bonus",
    "jackpot",
    "cascade",
    "live_hand",
    "rollback",
    "adjustment",
)
_STATUSES: Final = ("settled", "rolled_back", "open")

# The whole of a line as quoted or plain fields; then each of them. RE2 takes linear time.
_QUOTED_LINE: Final = '("([^"]|"")*"|[^",]*)(,("([^"]|"")*"|[^",]*))*'
_QUOTED_FIELD: Final = '(?:^|,)("(?:[^"]|"")*"|[^",]*)'

LINES: Final = """
CREATE TABLE lines AS
SELECT row_number() OVER () AS line, t
FROM read_csv(?, header = false, auto_detect = false, delim = chr(31), quote = '', escape = '',
              new_line = '\\n', columns = {'t': 'VARCHAR'}, max_line_size = 1048576)
"""
"""One row per physical line. No line holds chr(31): unpacking replaced control characters."""

CURRENCIES: Final = "CREATE TABLE currencies AS SELECT unnest(?) AS code, unnest(?) AS exponent"


def currency_columns() -> list[list[object]]:
    return [list(EXPONENTS), list(EXPONENTS.values())]


def csv_fields(names: list[str]) -> str:
    """Split lines into named text columns; ``shape_fault`` where the line isn't a row."""
    picks = ", ".join(
        f"coalesce(f[{names.index(name) + 1}], '') AS {name}" if name in names else f"'' AS {name}"
        for name in COLUMNS
    )
    return f"""
    CREATE VIEW fields AS
    SELECT line, t, {picks},
           CASE WHEN len(f) IS DISTINCT FROM {len(names)} THEN '{RowFault.WRONG_COLUMNS}' END
               AS shape_fault
    FROM (
        SELECT line, t,
            CASE
            WHEN NOT contains(t, '"') THEN string_split(t, ',')
            WHEN regexp_full_match(t, '{_QUOTED_LINE}') THEN
                list_transform(regexp_extract_all(t, '{_QUOTED_FIELD}', 1), lambda x:
                    CASE WHEN starts_with(x, '"')
                    THEN replace(substr(x, 2, length(x) - 2), '""', '"') ELSE x END)
            END AS f
        FROM lines WHERE line > 1 AND t IS NOT NULL AND trim(t) <> ''
    )
    """  # noqa: S608 - names come from COLUMNS, not from the file


def json_fields() -> str:
    """Read lines as JSON objects of strings; a number is no text, so an amount can't be a float."""
    shape = ", ".join(f'"{name}": "JSON"' for name in COLUMNS)
    picks = ", ".join(
        f"CASE WHEN o.{name} IS NULL THEN ''"
        f" WHEN starts_with(o.{name}::VARCHAR, '\"') THEN json_extract_string(o.{name}, '$')"
        f" ELSE {'' if name == 'finalized' else 'chr(30) || '}o.{name}::VARCHAR END AS {name}"
        for name in COLUMNS
    )
    return f"""
    CREATE VIEW fields AS
    SELECT line, t, {picks},
           CASE WHEN NOT is_object OR NOT has_distinct_keys THEN '{RowFault.BAD_JSON}' END
               AS shape_fault
    FROM (
        SELECT line, t, is_object,
            CASE WHEN is_object THEN json_transform(t, '{{{shape}}}') END AS o,
            CASE WHEN is_object THEN len(json_keys(t)) = len(list_distinct(json_keys(t)))
                ELSE false END AS has_distinct_keys
        FROM (
            SELECT line, t,
                CASE WHEN json_valid(t) THEN json_type(t) = 'OBJECT' ELSE false END AS is_object
            FROM lines WHERE t IS NOT NULL AND trim(t) <> ''
        )
    )
    """  # noqa: S608 - names come from COLUMNS, not from the file


def _minor(name: str) -> str:
    decimals = f"CASE WHEN contains({name}, '.') THEN length(split_part({name}, '.', 2)) ELSE 0 END"
    value = (
        f"CASE WHEN regexp_full_match({name}, '{_AMOUNT}') AND {decimals} <= exponent "
        f"THEN TRY_CAST(replace({name}, '.', '') || repeat('0', exponent - {decimals}) AS BIGINT) "
        "END"
    )
    return f"{value} AS {name.removesuffix('_amount')}_minor"


def _in(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _first_fault() -> str:
    texts = [name for name in COLUMNS if name not in _AMOUNTS]
    ids = ("event_id", "player_id", "game_code", "round_id", "reference_event_id")
    formula = " OR ".join(f"regexp_matches({name}, '^[=+@\\t]')" for name in COLUMNS)
    dashed = " OR ".join(f"starts_with({name}, '-')" for name in texts)
    empty = " OR ".join(f"{name} = ''" for name in REQUIRED)
    mangled = " OR ".join(
        f"regexp_full_match({name}, '[0-9](\\.[0-9]+)?[eE]\\+[0-9]+|[0-9]\\.[0-9]+[eE][0-9]+')"
        for name in ids
    )
    bad_id = " OR ".join(
        f"({name} <> '' AND NOT regexp_full_match({name}, '{_ID}'))" for name in ids
    )
    bad_amount = " OR ".join(
        f"({name} <> '' AND {name.removesuffix('_amount')}_minor IS NULL)" for name in _AMOUNTS
    )
    return f"""
    CASE
    WHEN shape_fault IS NOT NULL THEN shape_fault
    WHEN {formula} OR {dashed} THEN '{RowFault.FORMULA_CELL}'
    WHEN {empty} THEN '{RowFault.MISSING_FIELD}'
    WHEN {mangled} THEN '{RowFault.MANGLED_ID}'
    WHEN {bad_id}
      OR round_type NOT IN ({_in(_ROUND_TYPES)})
      OR status NOT IN ({_in(_STATUSES)})
      OR finalized NOT IN ('', 'true', 'false')
      OR NOT regexp_full_match(promo_campaign, '[A-Za-z0-9_.:~-]{{0,64}}')
      OR NOT regexp_full_match(promo_multiplier, '([0-9]{{1,6}}(\\.[0-9]{{1,4}})?)?')
      THEN '{RowFault.BAD_FIELD}'
    WHEN currency = '{DEMO_CURRENCY}' THEN '{RowFault.DEMO}'
    WHEN occurred_at IS NULL THEN '{RowFault.BAD_TIMESTAMP}'
    WHEN exponent IS NULL THEN '{RowFault.UNKNOWN_CURRENCY}'
    WHEN {bad_amount} THEN '{RowFault.BAD_AMOUNT}'
    END
    """


def judged() -> str:
    """Type every row and name its first fault. Parameter: the provider's reporting time zone."""
    amounts = ", ".join(_minor(name) for name in _AMOUNTS)
    return f"""
    CREATE TABLE judged AS
    SELECT *, (occurred_at AT TIME ZONE ?)::DATE AS day, {_first_fault()} AS fault
    FROM (
        SELECT fields.*, exponent, {amounts},
            CASE WHEN regexp_full_match("timestamp", '{_TIME}')
                THEN TRY_CAST("timestamp" AS TIMESTAMPTZ) END AS occurred_at
        FROM fields LEFT JOIN currencies ON code = currency
    )
    """  # noqa: S608 - built from constants only


COUNTS: Final = f"""
SELECT count(*), count(*) FILTER (fault IS NULL), count(*) FILTER (fault = '{RowFault.DEMO}')
FROM judged
"""  # noqa: S608 - built from constants only

PARQUET: Final = """
SELECT event_id, coalesce(nullif(round_id, ''), event_id) AS round_ref, player_id AS player_ref,
       occurred_at, bet_minor, win_minor, currency, game_code, round_type,
       balance_before_minor, balance_after_minor, finalized <> 'false' AS finalized,
       promo_campaign, promo_multiplier, status, reference_event_id, line
FROM judged WHERE fault IS NULL ORDER BY event_id, line
"""
"""Sorted by event: a point look-up reads one row group, and the same rows give the same file."""

PROBLEMS: Final = f"""
SELECT line, coalesce(fault, '{RowFault.OTHER_DAY}') AS code, left(t, 200) AS excerpt,
       bet_amount, win_amount, balance_before, balance_after, currency, "timestamp", day::VARCHAR
FROM judged WHERE fault IS NOT NULL OR day <> $day
ORDER BY coalesce(fault, '') = '{RowFault.DEMO}', line LIMIT $limit
"""  # noqa: S608 - built from constants only
