"""What apps above put on a player's page."""

from collections.abc import Callable

from django.http import HttpRequest

from apps.core.admin.actions import ReasonedAction
from apps.core.admin.panels import Panel

type PanelMaker = Callable[[HttpRequest, int], Panel | None]

_MAKERS: list[PanelMaker] = []
PLAYER_ACTIONS: list[ReasonedAction] = []


def register_player_action(action: ReasonedAction) -> None:
    """Show a button on every player's page; call it from ``AppConfig.ready()``."""
    PLAYER_ACTIONS[:] = [other for other in PLAYER_ACTIONS if other.name != action.name]
    PLAYER_ACTIONS.append(action)


def register_player_panel(maker: PanelMaker) -> None:
    """Show ``maker(request, player_id)`` on every player's page; call it from ``ready()``.

    A maker returns None where the person may not see what it shows.
    """
    if maker not in _MAKERS:
        _MAKERS.append(maker)


def player_panels(request: HttpRequest, player_id: int) -> list[Panel]:
    panels = [maker(request, player_id) for maker in _MAKERS]
    return [panel for panel in panels if panel is not None]
