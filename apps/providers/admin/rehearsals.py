"""What a list of the desk begins with: what is for play."""

from collections.abc import Callable

from django.contrib import admin
from django.db.models import Q

from apps.core.admin import aside_filter


def rehearsal_filter(rehearsed: Callable[[], Q]) -> type[admin.SimpleListFilter]:
    """Return a filter that leaves the acceptance kit's rows out, unless they are asked for."""
    return aside_filter(
        "rehearsals",
        "rehearsals",
        rehearsed,
        usual="Left out",
        only=("only", "Rehearsals only"),
        everything="Shown as well",
    )
