"""What apps above offer to do, and show, on the page of a provider's policy."""

from collections.abc import Callable

from apps.core.admin.actions import ReasonedAction
from apps.core.admin.panels import Panel

type PolicyPanelMaker = Callable[[int], Panel]

POLICY_ACTIONS: list[ReasonedAction] = []
_MAKERS: list[PolicyPanelMaker] = []


def register_policy_action(action: ReasonedAction) -> None:
    """Show a button on every policy; call it from ``AppConfig.ready()``."""
    POLICY_ACTIONS[:] = [other for other in POLICY_ACTIONS if other.name != action.name]
    POLICY_ACTIONS.append(action)


def register_policy_panel(maker: PolicyPanelMaker) -> None:
    """Show ``maker(policy_id)`` on every policy; call it from ``AppConfig.ready()``."""
    if maker not in _MAKERS:
        _MAKERS.append(maker)


def policy_panels(policy_id: int) -> list[Panel]:
    return [maker(policy_id) for maker in _MAKERS]
