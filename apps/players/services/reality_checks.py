"""Reality checks: what the player was shown, and how it was answered."""

from datetime import datetime

from django.db import transaction

from apps.players.contracts import RealityCheckRecord
from apps.players.enums import REALITY_CHECK_ANSWERS, RealityCheckStep
from apps.players.errors import RealityCheckAnsweredError, RealityCheckError
from apps.players.models import RealityCheck


@transaction.atomic
def record_reality_check(record: RealityCheckRecord, *, now: datetime) -> RealityCheck:
    """Record a step of a reality check once; a repeat returns the first.

    Raises:
        RealityCheckError: it is answered but was never shown, or shown in the future.
        RealityCheckAnsweredError: it was answered before, and otherwise.
    """
    step = RealityCheckStep(record.step)
    rows = RealityCheck.objects.filter(
        player_id=record.player_id, session_ref=record.session_ref, shown_at=record.shown_at
    )
    if record.shown_at > now:
        raise RealityCheckError("A reality check is recorded after it was shown.")
    if step != RealityCheckStep.SHOWN:
        if not rows.filter(step=RealityCheckStep.SHOWN).exists():
            raise RealityCheckError("This reality check was not recorded as shown.")
        if rows.filter(step__in=REALITY_CHECK_ANSWERS).exclude(step=step).exists():
            raise RealityCheckAnsweredError("This reality check was answered otherwise before.")
    kept, _ = RealityCheck.objects.get_or_create(
        player_id=record.player_id,
        session_ref=record.session_ref,
        shown_at=record.shown_at,
        step=step,
        defaults={
            "happened_at": now,
            "minutes_played": record.minutes_played,
            "staked_minor": record.staked_minor,
            "won_minor": record.won_minor,
        },
    )
    return kept
