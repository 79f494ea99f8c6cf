"""What the compartment shows outside its own pages, and only to its own people."""

from datetime import datetime

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince, timeuntil

from apps.aml import selectors, services
from apps.aml.enums import Deed, MatterState
from apps.aml.models import Matter
from apps.core.admin import Panel, at_cell, link_cell
from apps.core.admin.live import renews_itself
from apps.staff.contracts import HomeCard, HomeRow
from apps.staff.home_cards import LIMIT, Waiting, waiting_card


def time_left(matter: Matter, now: datetime) -> str:
    if matter.state != MatterState.OPEN:
        return ""
    if matter.due_at <= now:
        return f"late by {timesince(matter.due_at, now, depth=2)}"
    return f"{timeuntil(matter.due_at, now, depth=2)} left"


def due_matters_card(request: HttpRequest) -> HomeCard | None:
    """Show the running clocks; None for a superuser, who sees every other card."""
    if not selectors.may_enter(request.user):
        return None
    now = timezone.now()
    waiting = Waiting(
        "AML matters to report or close",
        reverse("admin:aml_matter_changelist") + "?state=open",
        "No clock runs. Open a matter from AML matters, Add.",
        tone="danger",
    )
    found = selectors.open_matters(limit=LIMIT)
    services.record_access(actor=request.user, deed=Deed.LISTED, detail="home", now=now)
    return waiting_card(waiting, found, lambda matter: _row(matter, now))


def _row(matter: Matter, now: datetime) -> HomeRow:
    return HomeRow(
        title=f"{matter.player}: {matter.get_suspicion_display()}",
        link=reverse("admin:aml_matter_change", args=[matter.pk]),
        meta=time_left(matter, now),
        tone="danger" if matter.due_at <= now else "warning",
    )


def matters_panel(request: HttpRequest, player_id: int) -> Panel | None:
    """Show a player's matters on their card to the compartment, and nothing at all to others."""
    if not selectors.may_enter(request.user):
        return None
    now = timezone.now()
    services.note_card(
        actor=request.user, player_id=player_id, is_renewal=renews_itself(request), now=now
    )
    return Panel(
        title="AML matters",
        note="Only who holds the AML role sees this box. Never mention it to anybody else.",
        columns=["Matter", "Suspicion", "State", "Due", ""],
        rows=[
            [
                link_cell(reverse("admin:aml_matter_change", args=[matter.pk]), str(matter)),
                matter.get_suspicion_display(),
                matter.get_state_display(),
                at_cell(matter.due_at),
                time_left(matter, now),
            ]
            for matter in selectors.matters_of_player(player_id)
        ],
        empty_text="No matter was ever opened on this player.",
        link=f"{reverse('admin:aml_matter_add')}?player={player_id}",
        link_text="Open a matter",
    )
