"""Start and end campaigns: by schedule, by hand, or by the kill switch."""

from datetime import datetime
from typing import Final

from django.db import transaction

from apps.core.reasons import require_reason
from apps.promotions.contracts import AdvanceReport
from apps.promotions.enums import CampaignState, StartMode
from apps.promotions.errors import CampaignStateError, CampaignWindowError
from apps.promotions.locks import due_campaign_ids, lock_campaign
from apps.promotions.models import Campaign
from apps.promotions.services.campaigns import audit_step, save_step
from apps.staff.services.approvals import Person

END_OF_WINDOW: Final = "It reached its end."


@transaction.atomic
def go_live(
    *, campaign_id: int, acting_user: Person | None, reason: str, now: datetime
) -> Campaign:
    """Put an approved campaign live; the schedule and the button are this same step.

    One that starts by schedule counts from its start (or from its approval, if that came later),
    however late this runs; one that starts by hand counts from now.

    Raises:
        CampaignStateError: it isn't approved.
        CampaignWindowError: its approved window hasn't begun, or is over.
        ReasonRequiredError: a person gives no reason.
    """
    campaign = lock_campaign(campaign_id)
    require_reason(reason)
    if campaign.state != CampaignState.APPROVED or campaign.approved_at is None:
        raise CampaignStateError(campaign, campaign.state, "put live")
    if not campaign.starts_at <= now < campaign.ends_at:
        raise CampaignWindowError(
            f"{campaign} may be live from {campaign.starts_at:%Y-%m-%d %H:%M} to "
            f"{campaign.ends_at:%Y-%m-%d %H:%M} UTC only."
        )
    is_scheduled = campaign.start_mode == StartMode.SCHEDULED
    campaign.live_from = max(campaign.starts_at, campaign.approved_at) if is_scheduled else now
    campaign.state = CampaignState.LIVE
    save_step(campaign, "state", "live_from", acting_user=acting_user, reason=reason, now=now)
    audit_step(campaign, "live", acting_user=acting_user, reason=reason, now=now)
    return campaign


@transaction.atomic
def end_campaign(
    *, campaign_id: int, acting_user: Person | None, reason: str, now: datetime
) -> Campaign:
    """End a live or approved campaign now: the end of its window, or the kill switch.

    Events that happened before this moment still belong to it, whenever they arrive.

    Raises:
        CampaignStateError: it is neither live nor approved.
        ReasonRequiredError: no reason is given.
    """
    campaign = lock_campaign(campaign_id)
    require_reason(reason)
    if campaign.state not in {CampaignState.LIVE, CampaignState.APPROVED}:
        raise CampaignStateError(campaign, campaign.state, "ended")
    campaign.state = CampaignState.ENDED
    campaign.ended_at = min(now, campaign.ends_at)
    campaign.end_reason = reason
    save_step(
        campaign, "state", "ended_at", "end_reason", acting_user=acting_user, reason=reason, now=now
    )
    audit_step(campaign, "ended", acting_user=acting_user, reason=reason, now=now)
    return campaign


def advance_campaigns(now: datetime) -> AdvanceReport:
    """Start and end campaigns by schedule; a repeat finds nothing left to do.

    One whose whole window passed unseen goes live and ends in the same run, so that the events of
    the window are judged as its own.
    """
    started: list[int] = []
    ended: list[int] = []
    for campaign_id in due_campaign_ids(now):
        has_started, has_ended = _advance(campaign_id, now)
        started += [campaign_id] if has_started else []
        ended += [campaign_id] if has_ended else []
    return AdvanceReport(tuple(started), tuple(ended))


@transaction.atomic
def _advance(campaign_id: int, now: datetime) -> tuple[bool, bool]:
    campaign = lock_campaign(campaign_id)
    is_scheduled = campaign.start_mode == StartMode.SCHEDULED
    is_over = campaign.ends_at <= now
    has_started = has_ended = False
    if campaign.state == CampaignState.APPROVED and is_scheduled and campaign.starts_at <= now:
        go_live(
            campaign_id=campaign_id,
            acting_user=None,
            reason="Its scheduled start.",
            now=campaign.starts_at if is_over else now,
        )
        has_started = True
    still_open = {CampaignState.LIVE, CampaignState.APPROVED}
    if is_over and (has_started or campaign.state in still_open):
        end_campaign(campaign_id=campaign_id, acting_user=None, reason=END_OF_WINDOW, now=now)
        has_ended = True
    return has_started, has_ended
