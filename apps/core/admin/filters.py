"""Filters whose choices are known without asking the table."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, override

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone

type Choices = Sequence[tuple[str, str]]

NEWEST_SEARCHED: Final = 20_000
"""How many of the newest rows a filter that no index serves looks through."""

_WORD: Final = re.compile(r"[A-Za-z0-9_:.-]{1,80}")
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _is_word(text: str) -> bool:
    return bool(_WORD.fullmatch(text))


def _is_number(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text))


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return _DATE.fullmatch(text) is not None


def newest(rows: QuerySet[Any], *, most: int = NEWEST_SEARCHED) -> QuerySet[Any]:
    """Narrow a query to the newest rows of its table, so that what no index serves ends."""
    floor = rows.model._meta.base_manager.order_by("-pk").values("pk")[most : most + 1]
    return rows.filter(pk__gte=Coalesce(Subquery(floor), 0))


def choice_filter(
    field: str,
    title: str,
    choices: Choices | Callable[[], Iterable[tuple[str, str]]],
    *,
    indexed: Collection[str] | None = None,
) -> type[admin.SimpleListFilter]:
    """Return a list filter with fixed choices; a plain one runs SELECT DISTINCT over the table.

    ``choices`` may be a callable for a small table of reference data, such as the providers. On a
    big table ``indexed`` names the values that an index finds; any other is looked for among the
    newest rows, which the title should say.
    """

    class StaticChoiceFilter(admin.SimpleListFilter):
        parameter_name = field

        @override
        def lookups(
            self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
        ) -> Iterable[tuple[str, str]]:
            return choices() if callable(choices) else choices

        @override
        def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
            value = self.value()
            known = {str(key) for key, _ in self.lookup_choices}
            if value not in known:
                return queryset
            is_bounded = indexed is not None and value not in indexed
            return (newest(queryset) if is_bounded else queryset).filter(**{field: value})

    StaticChoiceFilter.title = title
    return StaticChoiceFilter


def present_filter(
    field: str,
    title: str,
    *,
    present: str = "Yes",
    absent: str = "No",
    among_newest: bool = False,
) -> type[admin.SimpleListFilter]:
    """Return a filter on whether a nullable field has a value; ``among_newest`` for a big table."""

    class PresentFilter(admin.SimpleListFilter):
        parameter_name = f"has_{field}"

        @override
        def lookups(
            self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
        ) -> Iterable[tuple[str, str]]:
            return [("yes", present), ("no", absent)]

        @override
        def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
            if self.value() not in {"yes", "no"}:
                return queryset
            rows = newest(queryset) if among_newest else queryset
            return rows.filter(**{f"{field}__isnull": self.value() == "no"})

    PresentFilter.title = title
    return PresentFilter


def linked_filter(
    field: str,
    title: str,
    choices: Choices | Callable[[], Iterable[tuple[str, str]]] = (),
    *,
    is_value: Callable[[str], bool] = _is_word,
) -> type[admin.SimpleListFilter]:
    """Return a filter that offers ``choices`` and takes any other value from a figure's link.

    Without choices it is shown only where a link chose a value. ``is_value`` says which texts are
    values at all; another one filters nothing.
    """

    class LinkedFilter(admin.SimpleListFilter):
        parameter_name = field

        @override
        def lookups(
            self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
        ) -> Iterable[tuple[str, str]]:
            offered = list(choices() if callable(choices) else choices)
            asked = request.GET.get(field, "")
            if is_value(asked) and asked not in dict(offered):
                offered.append((asked, asked))
            return offered

        @override
        def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
            asked = self.value() or ""
            return queryset.filter(**{field: asked}) if is_value(asked) else queryset

    LinkedFilter.title = title
    return LinkedFilter


def day_filter(
    field: str, title: str, choices: Callable[[], Iterable[tuple[str, str]]]
) -> type[admin.SimpleListFilter]:
    """Return a filter on a date: ``choices`` are on offer, a link may name any other day."""
    return linked_filter(field, title, choices, is_value=_is_date)


def above_filter(field: str, title: str) -> type[admin.SimpleListFilter]:
    """Return a filter that a link gives a whole number: the rows above it."""
    return linked_filter(f"{field}__gt", f"{title} above", is_value=_is_number)


def midnight_utc(now: datetime) -> datetime:
    """Return when the day of ``now`` began, in UTC."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def narrowed_filter(
    parameter: str,
    title: str,
    choices: Mapping[str, tuple[str, Callable[[QuerySet[Any]], QuerySet[Any]]]],
) -> type[admin.SimpleListFilter]:
    """Return a filter whose every value has a label and the selector that narrows the list."""

    class NarrowedFilter(admin.SimpleListFilter):
        parameter_name = parameter

        @override
        def lookups(
            self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
        ) -> Iterable[tuple[str, str]]:
            return [(value, label) for value, (label, _) in choices.items()]

        @override
        def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
            chosen = choices.get(self.value() or "")
            return queryset if chosen is None else chosen[1](queryset)

    NarrowedFilter.title = title
    return NarrowedFilter


def aside_filter(
    parameter: str,
    title: str,
    aside: Callable[[], Q],
    *,
    usual: str,
    only: tuple[str, str],
    everything: str,
) -> type[admin.SimpleListFilter]:
    """Return a filter that leaves rows out unless they are asked for or something is searched.

    ``aside`` is their condition; ``usual`` names the list without them, ``only`` is the value and
    label of the list of them, ``everything`` names both together.
    """

    class AsideFilter(admin.SimpleListFilter):
        parameter_name = parameter

        @override
        def lookups(
            self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
        ) -> Iterable[tuple[str, str]]:
            return [only, ("all", everything)]

        @override
        def choices(self, changelist: ChangeList) -> Iterator[Any]:
            first, *others = super().choices(changelist)
            yield {**first, "display": usual}
            yield from others

        @override
        def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
            if self.value() == only[0]:
                return queryset.filter(aside())
            if self.value() == "all" or request.GET.get("q"):
                return queryset
            return queryset.filter(~aside())

    AsideFilter.title = title
    return AsideFilter


def recent_filter(field: str, title: str) -> type[admin.SimpleListFilter]:
    """Return a filter on today or the last hour, day, week or month of a datetime field."""
    spans = {
        "hour": timedelta(hours=1),
        "day": timedelta(days=1),
        "week": timedelta(days=7),
        "month": timedelta(days=31),
    }

    class RecentFilter(admin.SimpleListFilter):
        parameter_name = f"{field}_within"

        @override
        def lookups(
            self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
        ) -> Iterable[tuple[str, str]]:
            return [
                ("hour", "Last hour"),
                ("today", "Today (UTC)"),
                ("day", "Last 24 hours"),
                ("week", "Last 7 days"),
                ("month", "Last 31 days"),
            ]

        @override
        def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
            if self.value() == "today":
                return queryset.filter(**{f"{field}__gte": midnight_utc(timezone.now())})
            span = spans.get(self.value() or "")
            if span is None:
                return queryset
            return queryset.filter(**{f"{field}__gte": timezone.now() - span})

    RecentFilter.title = title
    return RecentFilter
