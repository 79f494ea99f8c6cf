"""Applying a stored delivery once more, because a person asked for it."""

from collections import Counter
from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import transaction

from apps.core.reasons import require_reason
from apps.core.services import record_audit
from apps.gateway.errors import UnknownDeliveryError
from apps.gateway.services import intake
from apps.rounds.traffic import delivery_exists


@transaction.atomic
def reprocess_delivery(
    *,
    delivery_id: int,
    acting_user: AbstractBaseUser | AnonymousUser,
    reason: str,
    now: datetime,
) -> dict[str, int]:
    """Apply a stored delivery through the one way in; return how many events got which status.

    Idempotent: what was applied already is answered as a repeat and moves nothing. The first
    verdict of the delivery stands, as what the provider was told.

    Raises:
        ReasonRequiredError: nobody said why.
        UnknownDeliveryError: there is no such delivery.
    """
    require_reason(reason)
    if not delivery_exists(delivery_id):
        raise UnknownDeliveryError(delivery_id)
    outcomes = intake.reprocess_delivery(delivery_id=delivery_id, now=now)
    counts = dict(Counter(str(outcome.status) for outcome in outcomes))
    record_audit(
        action="gateway.delivery.reprocessed",
        actor=acting_user,
        subject=f"rounds.delivery:{delivery_id}",
        details={"events": counts},
        reason=reason.strip(),
        now=now,
    )
    return counts
