"""The check at a launch, kept whatever it says."""

from datetime import datetime

from django.db import transaction

from apps.players.contracts import PlayerRef, ProtectionReason
from apps.players.enums import CheckKind
from apps.players.models import ProtectionCheck
from apps.players.selectors.protection import protection_reasons


@transaction.atomic
def launch_check(
    player: PlayerRef, jurisdiction: str, now: datetime
) -> tuple[ProtectionReason, ...]:
    """Return every reason why the player may not start a game now, and log that one looked.

    The launch is allowed where no reason is returned. Support links of the jurisdiction go with
    a refusal (``rules.support_links``).
    """
    reasons = tuple(protection_reasons(player, now))
    log_check(player, CheckKind.LAUNCH, reasons, now, jurisdiction=jurisdiction)
    return reasons


def log_check(
    player: PlayerRef,
    kind: CheckKind,
    reasons: tuple[ProtectionReason, ...],
    now: datetime,
    *,
    jurisdiction: str,
) -> None:
    ProtectionCheck.objects.create(
        player_id=player.id,
        kind=kind,
        jurisdiction=jurisdiction,
        checked_at=now,
        is_allowed=not reasons,
        codes=[reason.code for reason in reasons],
        basis={
            "status": player.status,
            "looked_at": ["standing", "exclusions", "age", "identity", "limits"],
            "reasons": [reason.text for reason in reasons],
        },
    )
