from django.db import models


class CampaignState(models.TextChoices):
    DRAFT = "draft", "Draft"
    IN_REVIEW = "in_review", "In review"
    APPROVED = "approved", "Approved"
    LIVE = "live", "Live"
    ENDED = "ended", "Ended"


class StartMode(models.TextChoices):
    SCHEDULED = "scheduled", "By schedule"
    MANUAL = "manual", "By hand"


class TagReason(models.TextChoices):
    """Why a flagged event does or does not belong to a campaign."""

    IN_CAMPAIGN = "in_campaign", "In campaign"
    UNKNOWN_CAMPAIGN = "unknown_campaign", "Unknown campaign"
    BEFORE_WINDOW = "before_window", "Before the campaign"
    AFTER_WINDOW = "after_window", "After the campaign"
    WRONG_MULTIPLIER = "wrong_multiplier", "Multiplier differs"
