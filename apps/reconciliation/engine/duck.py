"""How DuckDB is opened here: bounded memory, spills beside the work, no network, UTC."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb

MEMORY_LIMIT: Final = "1GB"
"""DuckDB's own buffers; what else the process holds comes on top of it."""


@contextmanager
def open_engine(
    work: Path, *, memory_limit: str = MEMORY_LIMIT
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB database inside ``work``, a directory that the caller removes afterwards.

    The database is a file and not in memory so that a large import spills instead of failing.
    Extensions are never loaded from anywhere: what the wheel brings has to do.
    """
    connection = duckdb.connect(
        str(work / "engine.duckdb"),
        config={
            "memory_limit": memory_limit,
            "temp_directory": str(work / "spill"),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )
    try:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


def literal(value: str) -> str:
    """Quote a string for DuckDB where a parameter can't stand (COPY targets, views)."""
    return "'" + value.replace("'", "''") + "'"
