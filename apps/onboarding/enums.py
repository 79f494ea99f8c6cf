from typing import Final

from django.db import models


class ChecklistItem(models.TextChoices):
    """What must be proven of a provider before real players are launched there."""

    ACCEPTANCE = "acceptance", "Acceptance kit: signatures, repeats, rounds"
    EXPORT_PULL = "export_pull", "Round log export can be pulled"
    PAYLOAD_BY_ID = "payload_by_id", "Payload by event id, as far back as promised"
    CERTIFICATES = "certificates", "Certificates cover the catalogue"
    PROBES = "probes", "Round trips are answered in time"
    RETENTION = "retention", "Retention promise recorded"
    KEY_ROTATION = "key_rotation", "Webhook keys rotated once"


WAIVABLE: Final = (ChecklistItem.CERTIFICATES, ChecklistItem.PROBES)
"""The launch gate keeps what is not covered closed anyway, and a slow answer loses no evidence."""
