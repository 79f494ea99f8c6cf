"""What awaits those who answer for what game servers run."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince

from apps.core.admin import display_at
from apps.integrity import selectors
from apps.integrity.contracts import GameIntegrity
from apps.integrity.enums import FaultKind
from apps.integrity.models import Fault
from apps.staff.contracts import HomeCard, HomeRow
from apps.staff.home_cards import LIMIT, Waiting, waiting_card


def faults_card(_request: HttpRequest) -> HomeCard:
    link = reverse("admin:integrity_fault_changelist") + "?state=open"
    waiting = Waiting(
        "Game files that are not as certified",
        link,
        "Every file measured last is as certified.",
        tone="danger",
    )
    return waiting_card(waiting, selectors.open_faults(limit=LIMIT), _fault_row)


def _fault_row(fault: Fault) -> HomeRow:
    is_wrong = fault.kind == FaultKind.MISMATCH
    return HomeRow(
        title=f"{fault.path} of {fault.game.game_code}",
        link=reverse("admin:integrity_fault_change", args=[fault.pk]),
        meta=f"{fault.get_kind_display().lower()}, "
        f"{timesince(fault.opened_at, timezone.now(), depth=1)} ago",
        tone="danger" if is_wrong else "warning",
    )


def overdue_card(_request: HttpRequest) -> HomeCard:
    overdue = [one for one in selectors.games_measured(timezone.now()) if one.is_overdue]
    waiting = Waiting(
        "Games not measured for a day",
        _overdue_link(),
        "Every game with certified files was measured in the last 24 hours.",
        tone="warning",
    )
    return waiting_card(waiting, overdue[:LIMIT], _overdue_row)


def _overdue_link() -> str:
    return reverse("admin:integrity_digestreport_standing") + "?overdue=yes"


def _overdue_row(one: GameIntegrity) -> HomeRow:
    said = "never" if one.measured_at is None else display_at(one.measured_at)
    return HomeRow(
        title=one.game_code,
        link=_overdue_link(),
        meta=f"measured: {said}; certified files: {one.certified_files}",
        tone="warning",
    )
