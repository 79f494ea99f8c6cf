"""What awaits promo managers on their home page."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince, timeuntil

from apps.core.admin import midnight_utc
from apps.promotions import selectors
from apps.staff.contracts import HomeCard, HomeRow
from apps.staff.home_cards import LIMIT, MAX_ROWS, Waiting, waiting_card


def live_campaigns_card(_request: HttpRequest) -> HomeCard:
    now = timezone.now()
    return waiting_card(
        Waiting(
            title="Live campaigns",
            link=reverse("admin:promotions_campaign_changelist") + "?state=live",
            empty_text="No campaign is live. Approved ones start by themselves on their schedule.",
            tone="success",
            tone_when_empty="neutral",
        ),
        list(selectors.live_campaigns()[:LIMIT]),
        lambda campaign: HomeRow(
            title=f"{campaign.name} ({campaign.provider})",
            link=reverse("admin:promotions_campaign_change", args=[campaign.pk]),
            meta=f"{timeuntil(campaign.ends_at, now, depth=1)} left",
            tone="success",
        ),
    )


def campaigns_in_review_card(_request: HttpRequest) -> HomeCard:
    return waiting_card(
        Waiting(
            title="Campaigns awaiting approval",
            link=reverse("admin:promotions_campaign_changelist") + "?state=in_review",
            empty_text="No campaign waits for a second person.",
            tone="warning",
        ),
        list(selectors.campaigns_in_review()[:LIMIT]),
        lambda campaign: HomeRow(
            title=str(campaign),
            link=reverse("admin:promotions_campaign_change", args=[campaign.pk]),
            meta=f"submitted by {campaign.submitted_by}",
            tone="warning",
        ),
    )


def tagged_events_card(_request: HttpRequest) -> HomeCard:
    """Count the flags received today (UTC), and show the ones no campaign stands behind."""
    now = timezone.now()
    today = midnight_utc(now)
    counts = selectors.tag_counts_since(today)
    return HomeCard(
        title="Promo flags received today (UTC)",
        value=f"{counts.tagged:,}",
        tone="warning" if counts.to_look_at else "success",
        note=f"{counts.in_campaign:,} in a campaign, {counts.to_look_at:,} to look at",
        link=reverse("admin:promotions_promotag_changelist") + "?created_at_within=today",
        rows=tuple(
            HomeRow(
                title=f"{tag.flagged_code} on {tag.subject}",
                link=reverse("admin:promotions_promotag_change", args=[tag.pk]),
                meta=f"{tag.get_reason_display()}, {timesince(tag.created_at, now, depth=1)} ago",
                tone="warning",
            )
            for tag in selectors.tags_to_look_at(today)[:MAX_ROWS]
        ),
        empty_text="Every flag received today belongs to a campaign.",
    )
