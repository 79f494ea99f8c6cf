"""What every set-based statement needs: a cursor to run on, and rows turned into columns."""

from collections.abc import Sequence
from typing import Any, LiteralString, Protocol


class Cursor(Protocol):
    """The part of a DB-API cursor that set-based statements use (Django's and psycopg's fit)."""

    def execute(self, query: LiteralString, params: Sequence[Any] | None = None, /) -> Any: ...

    def fetchall(self) -> list[Any]: ...


def columns(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Turn rows into the column arrays that ``unnest`` takes."""
    return [list(column) for column in zip(*rows, strict=True)]
