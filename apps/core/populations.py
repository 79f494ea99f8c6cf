"""Rows that an auditor draws samples of and exports, offered by the app that owns them.

An app registers its own; who draws and exports knows none of the tables. Every population can be
bounded so that the same narrowing names the same rows whenever it is asked again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet

from apps.core.errors import DomainError

_CHUNK: Final = 2_000


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Which part of a population is meant: from ``since`` up to, not at, ``until``.

    An empty code leaves that filter open. What may change later, such as where a player is
    registered, is read as it stood ``as_of``. Rows above ``last_id`` were added afterwards.
    """

    since: datetime
    until: datetime
    as_of: datetime
    provider_code: str = ""
    jurisdiction: str = ""
    last_id: int | None = None

    def bounded[Q: QuerySet[Any]](self, rows: Q) -> Q:
        return rows if self.last_id is None else rows.filter(pk__lte=self.last_id)


@dataclass(frozen=True, slots=True)
class Member:
    """One row of a population as people know it, and the page that shows it."""

    reference: str
    what: str
    at: datetime
    link: str


@dataclass(frozen=True, slots=True)
class ExportFile:
    """One CSV file about some rows of a population, always in the same order.

    Amounts are columns that end in ``_minor``, in the currency of the column ``currency``.
    ``personal`` columns are hidden unless somebody said why not.
    """

    name: str
    columns: Sequence[str]
    rows: Callable[[QuerySet[Any]], Iterator[Sequence[Any]]]
    personal: frozenset[str] = frozenset()


def export_file(
    name: str,
    columns: Mapping[str, str],
    *,
    of: Callable[[QuerySet[Any]], QuerySet[Any]] = lambda members: members,
    personal: Iterable[str] = (),
) -> ExportFile:
    """Return a file with one line per row of ``of(members)``, streamed in the order of its key.

    ``columns`` says for each column which field it is, relations joined with ``__``.
    """

    def rows(members: QuerySet[Any]) -> Iterator[Sequence[Any]]:
        found = of(members).order_by("pk").values_list(*columns.values())
        return iter(found.iterator(chunk_size=_CHUNK))

    return ExportFile(name, tuple(columns), rows, frozenset(personal))


@dataclass(frozen=True, slots=True)
class Population:
    """What one app offers.

    ``permission`` is what a person needs to see the rows at all; ``moment`` says which of their
    moments the period is about; ``filters`` are the codes that mean something here.
    """

    name: str
    label: str
    moment: str
    permission: str
    rows: Callable[[Narrowing], QuerySet[Any]]
    members: Callable[[Sequence[int]], dict[int, Member]]
    files: Sequence[ExportFile]
    filters: frozenset[str] = frozenset({"provider", "jurisdiction"})


class UnknownPopulationError(DomainError):
    code = "unknown_population"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no population {name!r}.")


_POPULATIONS: dict[str, Population] = {}


def register_population(population: Population) -> None:
    """Offer a population; call it from ``AppConfig.ready()``. The last one of a name wins."""
    _POPULATIONS[population.name] = population


def population_by_name(name: str) -> Population:
    """Return a population.

    Raises:
        UnknownPopulationError: no app offers one of this name.
    """
    try:
        return _POPULATIONS[name]
    except KeyError:
        raise UnknownPopulationError(name) from None


def populations() -> list[Population]:
    return sorted(_POPULATIONS.values(), key=lambda one: one.label)
