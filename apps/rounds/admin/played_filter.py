"""Filters that leave out what the acceptance kit played."""

from collections.abc import Callable
from typing import Any, Final, override

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from apps.core.admin import aside_filter
from apps.core.admin.filters import newest
from apps.players.selectors import rehearsal_player_ids
from apps.providers.contracts import REHEARSAL_KEY_PREFIX


def _without(aside: Callable[[], Q]) -> type[admin.SimpleListFilter]:
    """Return a filter for a big table that is read along its primary key.

    What the kit plays are some thousand rows in between, so that a page of the usual list ends
    soon; the list of rehearsals alone would not, and ends at the newest rows.
    """
    usual = aside_filter(
        "who",
        "rehearsals",
        aside,
        usual="Left out",
        only=("only", "Rehearsals only (newest 20,000)"),
        everything="Shown as well",
    )

    class RehearsalFilter(usual):  # type: ignore[valid-type,misc] # a class made above
        @override
        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            rows = newest(queryset) if self.value() == "only" else queryset
            found: QuerySet[Any] = super().queryset(request, rows)
            return found

    return RehearsalFilter


RehearsedPlayFilter: Final = _without(lambda: Q(player_id__in=rehearsal_player_ids()))
RehearsedDeliveryFilter: Final = _without(lambda: Q(key_id__startswith=REHEARSAL_KEY_PREFIX))
