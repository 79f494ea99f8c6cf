"""What apps above offer to do on the page of a round, of a round event and of a delivery."""

from apps.core.admin.actions import ReasonedAction

ROUND_ACTIONS: list[ReasonedAction] = []
EVENT_ACTIONS: list[ReasonedAction] = []
DELIVERY_ACTIONS: list[ReasonedAction] = []


def register_round_action(action: ReasonedAction) -> None:
    """Show a button on every round; call it from ``AppConfig.ready()``."""
    _register(ROUND_ACTIONS, action)


def register_event_action(action: ReasonedAction) -> None:
    """Show a button on every round event; call it from ``AppConfig.ready()``."""
    _register(EVENT_ACTIONS, action)


def register_delivery_action(action: ReasonedAction) -> None:
    """Show a button on every delivery; call it from ``AppConfig.ready()``."""
    _register(DELIVERY_ACTIONS, action)


def _register(actions: list[ReasonedAction], action: ReasonedAction) -> None:
    actions[:] = [other for other in actions if other.name != action.name]
    actions.append(action)
