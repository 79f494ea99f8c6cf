"""What others may read of promotions."""

from datetime import datetime

from django.db.models import Count, Q, QuerySet

from apps.promotions.contracts import TagCounts
from apps.promotions.enums import CampaignState, TagReason
from apps.promotions.models import Campaign, PromoTag


def live_campaigns() -> QuerySet[Campaign]:
    """Return campaigns that are live, the ones that end soonest first."""
    live = Campaign.objects.filter(state=CampaignState.LIVE)
    return live.select_related("provider").order_by("ends_at", "pk")


def campaigns_in_review() -> QuerySet[Campaign]:
    in_review = Campaign.objects.filter(state=CampaignState.IN_REVIEW)
    return in_review.select_related("provider", "submitted_by").order_by("starts_at", "pk")


def campaign_by_id(campaign_id: int) -> Campaign | None:
    return Campaign.objects.select_related("approval").filter(pk=campaign_id).first()


def campaign_by_code(provider_id: int, code: str) -> Campaign | None:
    return Campaign.objects.filter(provider_id=provider_id, code=code).first()


def tag_counts_since(moment: datetime) -> TagCounts:
    """Count flagged events received since a moment; an index range, so keep it to days."""
    counts = PromoTag.objects.filter(created_at__gte=moment).aggregate(
        tagged=Count("pk"), in_campaign=Count("pk", filter=Q(reason=TagReason.IN_CAMPAIGN))
    )
    return TagCounts(**counts)


def tags_to_look_at(moment: datetime) -> QuerySet[PromoTag]:
    """Return flags received since a moment that no campaign stands behind, newest first."""
    tags = PromoTag.objects.filter(created_at__gte=moment).exclude(reason=TagReason.IN_CAMPAIGN)
    return tags.order_by("-created_at", "-pk")
