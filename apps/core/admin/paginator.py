"""Counting without reading a whole table."""

from functools import cached_property
from typing import Any, Final, override

from django.core.paginator import Paginator
from django.db.models import QuerySet

COUNT_CAP: Final = 10_000


class CappedCount(int):
    """A count that says "10,000+" once nobody counted further."""

    @override
    def __str__(self) -> str:
        return f"{COUNT_CAP:,}+" if self > COUNT_CAP else f"{int(self):,}"

    __repr__ = __str__

    @override
    def __format__(self, spec: str) -> str:
        return str(self) if not spec else super().__format__(spec)


class CappedPaginator(Paginator[Any]):
    """Counts at most 10,001 rows, so that a list over a big table opens at once."""

    @cached_property
    @override
    def count(self) -> int:
        if isinstance(self.object_list, QuerySet):
            # order_by() drops the sort; the slice becomes LIMIT inside a subquery.
            return CappedCount(self.object_list.order_by()[: COUNT_CAP + 1].count())
        return CappedCount(len(self.object_list))
