from collections.abc import Mapping
from typing import Final

from django.db import models


class RenewalState(models.TextChoices):
    """How far the replacement of a certificate that ends has come."""

    OPEN = "open", "Open"
    REQUESTED = "requested", "Requested at the lab"
    IN_TEST = "in_test", "In test"
    RECEIVED = "received", "Report received"
    DONE = "done", "Done"
    REVIEWED = "reviewed", "Reviewed"
    WONT_RENEW = "wont_renew", "Won't renew"


CLOSED_RENEWALS: Final = (
    RenewalState.DONE,
    RenewalState.REVIEWED,
    RenewalState.WONT_RENEW,
)

_S = RenewalState
# A lab may send the work back, so each step can be undone; a report may arrive at any time.
RENEWAL_STEPS: Final[Mapping[str, tuple[RenewalState, ...]]] = {
    _S.OPEN: (_S.REQUESTED, _S.DONE, _S.REVIEWED, _S.WONT_RENEW),
    _S.REQUESTED: (_S.IN_TEST, _S.OPEN, _S.DONE, _S.REVIEWED, _S.WONT_RENEW),
    _S.IN_TEST: (_S.RECEIVED, _S.REQUESTED, _S.DONE, _S.REVIEWED, _S.WONT_RENEW),
    _S.RECEIVED: (_S.IN_TEST, _S.DONE, _S.REVIEWED, _S.WONT_RENEW),
    _S.DONE: (),
    _S.REVIEWED: (),
    _S.WONT_RENEW: (),
}


class RenewalNoteKind(models.TextChoices):
    NOTE = "note", "Note"
    OPENED = "opened", "Opened"
    ASSIGNED = "assigned", "Assigned"
    PLANNED = "planned", "Planned"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    MOVED = "moved", "Moved"
    CLOSED = "closed", "Closed"


class ReminderRole(models.TextChoices):
    """Why somebody was reminded."""

    OWNER = "owner", "Owner"
    DEPUTY = "deputy", "Deputy: the owner did not acknowledge"
    DESK = "desk", "Desk: nobody owns it"
    INSTEAD = "instead", "Instead: another could not be mailed"


class CellState(models.TextChoices):
    """What the matrix says of a game in a jurisdiction, the worst first.

    ``CLOSED``: no report is missing, and the gate is closed for another reason.
    """

    PROHIBITED = "prohibited", "Prohibited"
    NOT_COVERED = "not_covered", "Not covered"
    CLOSED = "closed", "Closed"
    OVERRIDE = "override", "Override"
    REVIEW_OVERDUE = "review_overdue", "Review overdue"
    EXPIRING = "expiring", "Expires within 90 days"
    COVERED = "covered", "Covered"


class KeyEventKind(models.TextChoices):
    """What a licensee must tell its regulator of (domain.md GB-KE-1)."""

    SYSTEM_FAULT = "system_fault", "Gaming system fault: wrong payment or display"
    SECURITY_BREACH = "security_breach", "Breach of information security"
    ACCESS_LOSS = "access_loss", "Customers without access for over 12 hours"
    RTP_ERROR = "rtp_error", "Confirmed RTP error"
    OTHER = "other", "Other"


class KeyEventState(models.TextChoices):
    DRAFT = "draft", "Draft"
    SUBMITTED = "submitted", "Submitted"
