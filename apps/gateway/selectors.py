"""How refused input and open money are read."""

from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models import Q

from apps.core.answer_codes import answer_choices
from apps.core.money import display_money
from apps.gateway import statements
from apps.gateway.contracts import SpoolFacts
from apps.gateway.models import Rejection, SpoolReport
from apps.providers.selectors.id_scopes import providers_without_closing
from apps.rounds.selectors import open_rounds_at

_GONE_AFTER: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class OpenMoney:
    """Players' money in play at a provider; ``held_in`` names the pot, or ``in_transit``."""

    provider_code: str
    held_in: str
    currency: str
    amount_minor: int
    count: int


def open_money(provider_code: str = "") -> list[OpenMoney]:
    """Return what is open at one provider, or at all of them."""
    with connection.cursor() as cursor:
        cursor.execute(statements.EXPOSURE)
        found = [OpenMoney(*row) for row in cursor.fetchall()]
    return [one for one in found if provider_code in {"", one.provider_code}]


def what_is_open(provider_id: int, provider_code: str) -> list[str]:
    """Return in words what a provider's players have open there: rounds, money, transfers.

    A round counts as open only where the provider's messages close rounds at all.
    """
    rounds = 0 if provider_id in providers_without_closing() else open_rounds_at(provider_id)
    found = [f"{rounds:,} open round{'s' if rounds > 1 else ''}"] if rounds else []
    return found + [_said(one) for one in open_money(provider_code)]


def _said(one: OpenMoney) -> str:
    return f"{display_money(one.amount_minor, one.currency)} {one.held_in} ({one.count:,}x)"


def rejection_codes() -> list[tuple[str, str]]:
    """Return the reasons seen so far; the table has one row per provider, reason and day."""
    return answer_choices(Rejection.objects.order_by().values_list("code", flat=True).distinct())


def rejections_of(day: date) -> list[Rejection]:
    """Return what was refused on a UTC day, the most frequent first, by provider and code."""
    rejections = Rejection.objects.filter(day=day).select_related("provider")
    return list(rejections.order_by("-count", "pk"))


def recent_rejection_days() -> list[tuple[str, str]]:
    """Return the newest UTC days on which anything was refused, for a list filter."""
    days = Rejection.objects.order_by("-day").values_list("day", flat=True).distinct()[:31]
    return [(day.isoformat(), day.isoformat()) for day in days]


def rejection_counts(day: date) -> list[tuple[int, str, int]]:
    """Return (provider id, code, count) of what authentic callers were refused on a UTC day."""
    rejections = Rejection.objects.filter(day=day, provider__isnull=False)
    rows = rejections.order_by("-count", "code").values_list("provider_id", "code", "count")
    return [(provider_id, code, count) for provider_id, code, count in rows if provider_id]


def spool_reports(now: datetime) -> list[SpoolFacts]:
    """Return what each gateway last said of its spool, by name.

    One that has been silent for a day and left nothing on its disk is gone; a new deployment may
    name its gateways anew. What did leave something stays until a person has seen to it.
    """
    names = [field.name for field in fields(SpoolFacts)]
    left = Q(waiting__gt=0) | Q(set_aside__gt=0)
    reports = SpoolReport.objects.filter(left | Q(reported_at__gte=now - _GONE_AFTER))
    return [SpoolFacts(*row) for row in reports.order_by("gateway").values_list(*names)]
