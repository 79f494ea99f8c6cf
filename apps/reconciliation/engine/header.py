"""The first line of a CSV statement: which column stands where."""

import csv
from pathlib import Path
from typing import Final

from apps.reconciliation.errors import MissingColumnError, UnreadableHeaderError

REQUIRED: Final = (
    "event_id",
    "player_id",
    "timestamp",
    "bet_amount",
    "win_amount",
    "currency",
    "game_code",
    "round_type",
    "status",
)
OPTIONAL: Final = (
    "round_id",
    "balance_before",
    "balance_after",
    "finalized",
    "promo_campaign",
    "promo_multiplier",
    "reference_event_id",
)
COLUMNS: Final = REQUIRED + OPTIONAL
MAX_COLUMNS: Final = 100


def read_header(path: Path) -> list[str]:
    """Return the column names of a CSV file as they stand, in small letters.

    Unknown columns are allowed and ignored; an unknown order is fine.

    Raises:
        UnreadableHeaderError, MissingColumnError: the file can't be read as a statement.
    """
    with path.open("r", encoding="utf-8", newline="\n") as handle:
        line = handle.readline().rstrip("\n")
    try:
        names = [name.strip().lower() for name in next(csv.reader([line], strict=True), [])]
    except csv.Error as error:
        raise UnreadableHeaderError(str(error)) from error
    if len(names) > MAX_COLUMNS:
        raise UnreadableHeaderError(f"{len(names):,} columns, at most {MAX_COLUMNS} are read")
    if len(names) <= 1 and any(separator in line for separator in ";\t|"):
        raise UnreadableHeaderError("columns must be separated by commas")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise UnreadableHeaderError(f"repeated: {', '.join(repeated)[:100]}")
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise MissingColumnError(missing)
    return names
