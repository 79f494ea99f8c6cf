"""Home cards for those who work on disputes."""

from collections.abc import Sequence

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince, timeuntil

from apps.disputes import selectors
from apps.disputes.models import Case
from apps.staff.contracts import HomeCard, HomeRow
from apps.staff.home_cards import LIMIT, Waiting, waiting_card


def my_cases_card(request: HttpRequest) -> HomeCard:
    cases = list(selectors.cases_of(request.user)[:LIMIT])
    return _card("My disputes", "mine", cases, tone="info", empty="No dispute is yours.")


def unassigned_card(_request: HttpRequest) -> HomeCard:
    cases = list(selectors.unassigned_cases()[:LIMIT])
    return _card(
        "Disputes that nobody has",
        "nobody",
        cases,
        tone="warning",
        empty="Every open dispute is with somebody.",
    )


def overdue_card(_request: HttpRequest) -> HomeCard:
    cases = list(selectors.overdue_cases(timezone.now())[:LIMIT])
    return _card(
        "Overdue disputes", "overdue", cases, tone="danger", empty="Every deadline is kept so far."
    )


def credits_card(_request: HttpRequest) -> HomeCard:
    cases = list(selectors.cases_awaiting_credit()[:LIMIT])
    return _card(
        "Credits awaiting a second person",
        "credit",
        cases,
        tone="warning",
        empty="No credit awaits a decision.",
    )


def _card(title: str, whose: str, cases: Sequence[Case], *, tone: str, empty: str) -> HomeCard:
    link = reverse("admin:disputes_case_changelist") + f"?whose={whose}"
    return waiting_card(Waiting(title, link, empty, tone), cases, _row)


def _row(case: Case) -> HomeRow:
    now = timezone.now()
    late = case.decide_by < now
    due = (
        f"overdue by {timesince(case.decide_by, now, depth=1)}"
        if late
        else f"due in {timeuntil(case.decide_by, now)}"
    )
    return HomeRow(
        title=f"{case.number} {case.get_case_type_display()}, {case.player}",
        link=reverse("admin:disputes_case_change", args=[case.pk]),
        meta=due,
        tone="danger" if late else "neutral",
    )
