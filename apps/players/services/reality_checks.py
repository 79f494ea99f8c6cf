"""Reality checks: what the player was shown, and how it was answered."""

from datetime import datetime

from django.db import transaction

from apps.players.contracts import RealityCheckRecord
from apps.players.enums import RealityCheckStep
from apps.players.errors import RealityCheckError
from apps.players.models import RealityCheck


@transaction.atomic
def record_reality_check(record: RealityCheckRecord, *, now: datetime) -> RealityCheck:
    """Record a step of a reality check once; a repeat returns the first.

    Raises:
        RealityCheckError: it is answered but was never shown, or shown in the future.
    """
    step = RealityCheckStep(record.step)
    key = {
        "player_id": record.player_id,
        "session_ref": record.session_ref,
        "shown_at": record.shown_at,
    }
    if record.shown_at > now:
        raise RealityCheckError("A reality check is recorded after it was shown.")
    if step != RealityCheckStep.SHOWN:
        shown = RealityCheck.objects.filter(**key, step=RealityCheckStep.SHOWN)
        if not shown.exists():
            raise RealityCheckError("This reality check was not recorded as shown.")
    kept, _ = RealityCheck.objects.get_or_create(
        **key,
        step=step,
        defaults={
            "happened_at": now,
            "minutes_played": record.minutes_played,
            "staked_minor": record.staked_minor,
            "won_minor": record.won_minor,
        },
    )
    return kept
