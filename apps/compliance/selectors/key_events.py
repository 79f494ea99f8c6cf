"""How key events are read."""

from apps.compliance.enums import KeyEventState
from apps.compliance.models import KeyEvent


def running_key_events(*, limit: int) -> list[KeyEvent]:
    """Return the drafts whose clock runs, the most urgent first."""
    drafts = KeyEvent.objects.filter(state=KeyEventState.DRAFT)
    return list(drafts.order_by("due_at", "pk")[:limit])


def key_event_by_id(event_id: int) -> KeyEvent | None:
    return KeyEvent.objects.filter(pk=event_id).first()


def unreminded_key_events() -> list[KeyEvent]:
    """Lock and return the drafts that nobody was mailed of, the most urgent first."""
    drafts = KeyEvent.objects.filter(state=KeyEventState.DRAFT, reminded_at=None)
    return list(drafts.select_for_update().order_by("due_at", "pk"))
