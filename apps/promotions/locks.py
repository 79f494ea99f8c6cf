"""How campaigns are locked."""

from datetime import datetime

from django.db.models import Q

from apps.promotions.enums import CampaignState, StartMode
from apps.promotions.errors import UnknownCampaignError
from apps.promotions.models import Campaign


def lock_campaign(campaign_id: int) -> Campaign:
    """Lock one campaign.

    Raises:
        UnknownCampaignError: there is none with this id.
    """
    campaign = Campaign.objects.select_for_update().filter(pk=campaign_id).first()
    if campaign is None:
        raise UnknownCampaignError(campaign_id)
    return campaign


def due_campaign_ids(now: datetime) -> list[int]:
    """Return campaigns the schedule may have to start or end; not locked, so check again."""
    due_to_start = Q(
        state=CampaignState.APPROVED, start_mode=StartMode.SCHEDULED, starts_at__lte=now
    )
    due_to_end = Q(state__in=[CampaignState.APPROVED, CampaignState.LIVE], ends_at__lte=now)
    due = Campaign.objects.filter(due_to_start | due_to_end)
    return list(due.order_by("pk").values_list("pk", flat=True))
