"""How key events are read."""

from apps.compliance.enums import KeyEventState
from apps.compliance.models import KeyEvent


def running_key_events(*, limit: int) -> list[KeyEvent]:
    """Return the drafts whose clock runs, the most urgent first."""
    drafts = KeyEvent.objects.filter(state=KeyEventState.DRAFT)
    return list(drafts.order_by("due_at", "pk")[:limit])
