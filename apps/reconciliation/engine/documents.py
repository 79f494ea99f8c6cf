"""JSON documents that hold a list of rows: ``[...]`` or ``{"rounds": [...]}``."""

import json
from typing import Any, Final, NoReturn

from apps.reconciliation.errors import UnreadableDocumentError

_LISTS: Final = ("rounds", "rows", "events")


def first_line_is_row(start: bytes) -> bool:
    """Tell NDJSON from a document: its first line alone is an object that holds no list of rows."""
    line = start.split(b"\n", 1)[0]
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        # A broken first row of NDJSON still ends where the line ends; a document goes on.
        return b"\n" in start and line.rstrip().endswith(b"}") and len(line.strip()) > 1
    return isinstance(value, dict) and not any(isinstance(value.get(k), list) for k in _LISTS)


def rows_of_document(text: str) -> list[Any]:
    """Return the rows as they stand; numbers with a fraction stay text marked as numbers.

    Raises:
        UnreadableDocumentError: not JSON, not a list of rows, or nested too deep.
    """
    try:
        document = json.loads(
            text,
            parse_float=_marked_number,
            parse_constant=_refuse_constant,
            object_pairs_hook=_without_repeats,
        )
    except RecursionError as error:
        raise UnreadableDocumentError("nested too deep") from error
    except ValueError as error:
        raise UnreadableDocumentError(str(error)[:120]) from error
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        found = [document[name] for name in _LISTS if isinstance(document.get(name), list)]
        if len(found) == 1:
            return list(found[0])
    raise UnreadableDocumentError('expected a list or {"rounds": [...]}')


def _marked_number(text: str) -> dict[str, str]:
    # Becomes an object, which no field accepts: a float never takes part, not even in the error.
    return {"number": text}


def _refuse_constant(text: str) -> NoReturn:
    raise UnreadableDocumentError(f"{text} is not JSON")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) != len(pairs):
        # Which of two values counts is anybody's guess; an unusable row says so by line.
        return {"repeated key": True}
    return row
