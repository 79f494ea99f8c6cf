"""Filters whose choices are known without asking the table."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, override

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

type Choices = Sequence[tuple[str, str]]


def choice_filter(
    field: str, title: str, choices: Choices | Callable[[], Iterable[tuple[str, str]]]
) -> type[admin.SimpleListFilter]:
    """Return a list filter with fixed choices; a plain one runs SELECT DISTINCT over the table.

    ``choices`` may be a callable for a small table of reference data, such as the providers.
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
            return queryset.filter(**{field: value}) if value in known else queryset

    StaticChoiceFilter.title = title
    return StaticChoiceFilter


def present_filter(
    field: str, title: str, *, present: str = "Yes", absent: str = "No"
) -> type[admin.SimpleListFilter]:
    """Return a filter on whether a nullable field has a value."""

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
            return queryset.filter(**{f"{field}__isnull": self.value() == "no"})

    PresentFilter.title = title
    return PresentFilter


def recent_filter(field: str, title: str) -> type[admin.SimpleListFilter]:
    """Return a filter on the last hour, day, week or month of a datetime field."""
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
                ("day", "Last 24 hours"),
                ("week", "Last 7 days"),
                ("month", "Last 31 days"),
            ]

        @override
        def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
            span = spans.get(self.value() or "")
            if span is None:
                return queryset
            return queryset.filter(**{f"{field}__gte": timezone.now() - span})

    RecentFilter.title = title
    return RecentFilter
