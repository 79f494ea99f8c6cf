"""What apps above offer to do on a round event's page and on a delivery's."""

from apps.core.admin.actions import ReasonedAction

EVENT_ACTIONS: list[ReasonedAction] = []
DELIVERY_ACTIONS: list[ReasonedAction] = []


def register_event_action(action: ReasonedAction) -> None:
    """Show a button on every round event; call it from ``AppConfig.ready()``."""
    _register(EVENT_ACTIONS, action)


def register_delivery_action(action: ReasonedAction) -> None:
    """Show a button on every delivery; call it from ``AppConfig.ready()``."""
    _register(DELIVERY_ACTIONS, action)


def _register(actions: list[ReasonedAction], action: ReasonedAction) -> None:
    actions[:] = [other for other in actions if other.name != action.name]
    actions.append(action)
