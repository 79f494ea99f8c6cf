"""What apps above offer to do on a round event's page."""

from apps.core.admin.actions import ReasonedAction

EVENT_ACTIONS: list[ReasonedAction] = []


def register_event_action(action: ReasonedAction) -> None:
    """Show a button on every round event; call it from ``AppConfig.ready()``."""
    EVENT_ACTIONS[:] = [other for other in EVENT_ACTIONS if other.name != action.name]
    EVENT_ACTIONS.append(action)
