"""What apps above put on a game's page."""

from collections.abc import Callable
from datetime import datetime

from apps.core.admin.panels import Panel

type GamePanelMaker = Callable[[int, datetime], Panel]

_MAKERS: list[GamePanelMaker] = []


def register_game_panel(maker: GamePanelMaker) -> None:
    """Show ``maker(game_id, now)`` first on every game's page; call it from ``ready()``."""
    if maker not in _MAKERS:
        _MAKERS.append(maker)


def game_panels(game_id: int, now: datetime) -> list[Panel]:
    return [maker(game_id, now) for maker in _MAKERS]
