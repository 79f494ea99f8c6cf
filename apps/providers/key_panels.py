"""What apps above put on a webhook key's page."""

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest

from apps.core.admin.panels import Panel


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A key as others may know it: never its secret."""

    provider_id: int
    kid: str


type KeyPanelMaker = Callable[[HttpRequest, KeyFacts], Panel | None]

_MAKERS: list[KeyPanelMaker] = []


def register_key_panel(maker: KeyPanelMaker) -> None:
    """Show ``maker(request, key)`` on every key's page; call it from ``AppConfig.ready()``."""
    if maker not in _MAKERS:
        _MAKERS.append(maker)


def key_panels(request: HttpRequest, key: KeyFacts) -> list[Panel]:
    panels = [maker(request, key) for maker in _MAKERS]
    return [panel for panel in panels if panel is not None]
