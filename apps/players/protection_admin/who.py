"""Which players a list begins with: real people."""

from collections.abc import Iterable, Iterator
from typing import Any, override

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.players.contracts import REHEARSAL_JURISDICTION


class WhoFilter(admin.SimpleListFilter):
    """Leave the acceptance kit's players out, unless they are asked for or searched by name."""

    title = "who"
    parameter_name = "who"

    @override
    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> Iterable[tuple[str, str]]:
        return [("rehearsal", "Rehearsals only"), ("all", "Everybody")]

    @override
    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        first, *others = super().choices(changelist)
        yield {**first, "display": "Real people"}
        yield from others

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "rehearsal":
            return queryset.filter(jurisdiction=REHEARSAL_JURISDICTION)
        if self.value() == "all" or request.GET.get("q"):
            return queryset
        return queryset.exclude(jurisdiction=REHEARSAL_JURISDICTION)
