"""What awaits promo managers and supervisors on their home page."""

from typing import Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timeuntil

from apps.bonuses import selectors
from apps.staff.contracts import HomeCard, HomeRow

MAX_ROWS: Final = 8


def active_grants_card(_request: HttpRequest) -> HomeCard:
    """Show bonuses being played for, the ones that end soonest first."""
    now = timezone.now()
    grants = list(selectors.active_grants()[: MAX_ROWS + 1])
    rows = []
    for grant in grants[:MAX_ROWS]:
        progress = selectors.grant_progress(grant)
        left = timeuntil(grant.expires_at, now, depth=1) if grant.expires_at > now else "over"
        rows.append(
            HomeRow(
                title=f"{grant.player} - {grant.rule}",
                link=reverse("admin:bonuses_grant_change", args=[grant.pk]),
                meta=f"{progress.done_bp // 100} % played, {left} left",
            )
        )
    return HomeCard(
        title="Active bonuses",
        value=f"{MAX_ROWS}+" if len(grants) > MAX_ROWS else str(len(grants)),
        tone="info",
        link=reverse("admin:bonuses_grant_changelist") + "?state=active",
        rows=tuple(rows),
        empty_text="No player has a bonus to play. Grant one under Grants.",
    )


def flagged_receipts_card(_request: HttpRequest) -> HomeCard | None:
    """Show bets that were rolled back after their bonus had closed; none, no card."""
    receipts = list(selectors.flagged_receipts()[: MAX_ROWS + 1])
    if not receipts:
        return None
    return HomeCard(
        title="Rolled back after the bonus closed",
        value=f"{MAX_ROWS}+" if len(receipts) > MAX_ROWS else str(len(receipts)),
        tone="warning",
        link=reverse("admin:bonuses_wageringreceipt_changelist") + "?reason=rolled_back",
        rows=tuple(
            HomeRow(
                title=receipt.subject,
                link=reverse("admin:bonuses_wageringreceipt_change", args=[receipt.pk]),
                meta=str(receipt.grant.player),
                tone="warning",
            )
            for receipt in receipts
        ),
    )
