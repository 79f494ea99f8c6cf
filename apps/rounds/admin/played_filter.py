"""A filter that leaves out what the acceptance kit played."""

from collections.abc import Callable
from typing import Any, override

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest


def played_filter(
    keep: Callable[[QuerySet[Any]], QuerySet[Any]],
) -> type[admin.SimpleListFilter]:
    """Return a filter by which a figure that leaves rehearsals out leads to its own rows."""

    class PlayedFilter(admin.SimpleListFilter):
        title = "rehearsals"
        parameter_name = "who"

        @override
        def lookups(
            self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
        ) -> list[tuple[str, str]]:
            return [("played", "Left out")]

        @override
        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            return keep(queryset) if self.value() == "played" else queryset

    return PlayedFilter
