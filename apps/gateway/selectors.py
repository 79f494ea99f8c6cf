"""How refused input is read."""

from datetime import date

from apps.gateway.models import Rejection


def rejection_codes() -> list[tuple[str, str]]:
    """Return the reasons seen so far; the table has one row per provider, reason and day."""
    codes = Rejection.objects.order_by("code").values_list("code", flat=True).distinct()
    return [(code, code) for code in codes]


def rejections_of(day: date, *, limit: int) -> list[Rejection]:
    """Return what was refused on a UTC day, the most frequent first."""
    rejections = Rejection.objects.filter(day=day).select_related("provider")
    return list(rejections.order_by("-count", "pk")[:limit])


def rejection_counts(day: date) -> list[tuple[int, str, int]]:
    """Return (provider id, code, count) of what authentic callers were refused on a UTC day."""
    rejections = Rejection.objects.filter(day=day, provider__isnull=False)
    rows = rejections.order_by("-count", "code").values_list("provider_id", "code", "count")
    return [(provider_id, code, count) for provider_id, code, count in rows if provider_id]
