"""The history of a run: written line by line as it happens, read back by the checker."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.soak.contracts import Line

_DEFAULTS = {field.name: field.default for field in fields(Line)}


class History:
    """Appends lines to a file; ``counts`` is what the progress line shows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.delivered = 0
        self.copies = 0
        self.refused = 0
        self.in_doubt = 0
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        self._file = self.path.open("w", encoding="utf-8")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def begin(self) -> None:
        """Start the clock: the product serves, the providers are about to play."""
        self._began = time.monotonic()

    def now(self) -> float:
        """Return the seconds since the start; the nemesis and the watchers use the same clock."""
        return round(time.monotonic() - self._began, 3)

    def flush(self) -> None:
        self._file.flush()

    def write(self, line: Line) -> None:
        self.delivered += line.type == "invoke"
        self.copies += line.type == "invoke" and line.is_copy
        self.refused += line.type == "fail"
        self.in_doubt += line.type == "info"
        told = {name: value for name, value in asdict(line).items() if value != _DEFAULTS[name]}
        self._file.write(json.dumps(told, separators=(",", ":")) + "\n")


def read_history(path: Path) -> Iterator[Line]:
    with path.open(encoding="utf-8") as file:
        for text in file:
            yield Line(**json.loads(text))
