"""What awaits promo managers and supervisors on their home page."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timeuntil

from apps.bonuses import selectors
from apps.bonuses.models import Grant
from apps.staff.contracts import HomeCard, HomeRow
from apps.staff.home_cards import LIMIT, Waiting, waiting_card


def active_grants_card(_request: HttpRequest) -> HomeCard:
    """Show bonuses being played for, the ones that end soonest first."""
    now = timezone.now()

    def row(grant: Grant) -> HomeRow:
        progress = selectors.grant_progress(grant)
        left = timeuntil(grant.expires_at, now, depth=1) if grant.expires_at > now else "over"
        return HomeRow(
            title=f"{grant.player} - {grant.rule}",
            link=reverse("admin:bonuses_grant_change", args=[grant.pk]),
            meta=f"{progress.done_bp // 100} % played, {left} left",
        )

    return waiting_card(
        Waiting(
            title="Active bonuses",
            link=reverse("admin:bonuses_grant_changelist") + "?state=active",
            empty_text="No player has a bonus to play. Grant one under Grants.",
            tone="info",
            tone_when_empty="info",
        ),
        list(selectors.active_grants()[:LIMIT]),
        row,
    )


def flagged_receipts_card(_request: HttpRequest) -> HomeCard | None:
    """Show bets that were rolled back after their bonus had closed; none, no card."""
    receipts = list(selectors.flagged_receipts()[:LIMIT])
    if not receipts:
        return None
    return waiting_card(
        Waiting(
            title="Rolled back after the bonus closed",
            link=reverse("admin:bonuses_wageringreceipt_changelist") + "?unrecovered_minor__gt=0",
            empty_text="",
            tone="warning",
        ),
        receipts,
        lambda receipt: HomeRow(
            title=receipt.subject,
            link=reverse("admin:bonuses_wageringreceipt_change", args=[receipt.pk]),
            meta=str(receipt.grant.player),
            tone="warning",
        ),
    )
