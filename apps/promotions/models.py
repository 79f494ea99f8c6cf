from typing import ClassVar, override

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.core.history import history_records
from apps.core.triggers import any_change, append_only, never_truncated
from apps.promotions.enums import CampaignState, StartMode, TagReason

CAMPAIGN_CONTENT = (
    "provider",
    "code",
    "name",
    "multiplier",
    "starts_at",
    "ends_at",
    "start_mode",
    "terms_version",
    "terms",
)
"""The fields that a second person approves; frozen outside the draft."""


class Campaign(models.Model):
    """A promotion that a provider flags in its round events with a code and a multiplier.

    What a second person approved is bound by the hash of its content, and the database keeps that
    content still until the campaign is a draft again, with a new version. The campaign counts
    from ``live_from`` until its end or its kill switch.
    """

    provider = models.ForeignKey("providers.Provider", on_delete=models.PROTECT, related_name="+")
    code = models.CharField(
        max_length=128, help_text="Exactly as the provider flags it in its round events."
    )
    name = models.CharField(max_length=120)
    multiplier = models.DecimalField(max_digits=8, decimal_places=4)
    starts_at = models.DateTimeField("starts (UTC)")
    ends_at = models.DateTimeField("ends (UTC)")
    start_mode = models.CharField(
        "start", max_length=16, choices=StartMode.choices, default=StartMode.SCHEDULED
    )
    terms_version = models.CharField("version of the terms", max_length=40)
    terms = models.TextField("terms and conditions")
    version = models.PositiveIntegerField(default=1)
    state = models.CharField(
        max_length=16, choices=CampaignState.choices, default=CampaignState.DRAFT
    )
    content_hash = models.CharField(max_length=64, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    approval = models.ForeignKey(
        "staff.Approval", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    live_from = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.TextField(blank=True)

    history = history_records()

    class Meta:
        permissions = [
            ("approve_campaign", "Can approve campaigns as the second person"),
            ("submit_campaign", "Can submit campaigns for review"),
            ("start_campaign", "Can put approved campaigns live"),
            ("end_campaign", "Can end campaigns at once"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "code"], name="promotions_campaign_code_unique_per_provider"
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")),
                name="promotions_campaign_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=Q(multiplier__gt=0), name="promotions_campaign_multiplier_positive"
            ),
            models.CheckConstraint(
                condition=Q(state__in=CampaignState.values),
                name="promotions_campaign_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(start_mode__in=StartMode.values),
                name="promotions_campaign_start_mode_is_known",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True)
                | (~Q(approved_by=F("submitted_by")) & ~Q(approved_by=F("edited_by"))),
                name="promotions_campaign_approved_by_a_second_person",
            ),
            models.CheckConstraint(
                condition=Q(state=CampaignState.DRAFT, approved_by__isnull=True)
                | Q(state=CampaignState.IN_REVIEW, approved_by__isnull=True)
                | Q(
                    state__in=[CampaignState.APPROVED, CampaignState.LIVE, CampaignState.ENDED],
                    approval__isnull=False,
                    approved_by__isnull=False,
                    approved_at__isnull=False,
                ),
                name="promotions_campaign_approved_exactly_when_it_says_so",
            ),
            models.CheckConstraint(
                condition=~Q(state=CampaignState.LIVE)
                | Q(live_from__isnull=False, ended_at__isnull=True),
                name="promotions_campaign_live_since_a_time",
            ),
            models.CheckConstraint(
                condition=(Q(state=CampaignState.ENDED, ended_at__isnull=False) & ~Q(end_reason=""))
                | (~Q(state=CampaignState.ENDED) & Q(ended_at__isnull=True)),
                name="promotions_campaign_ended_at_a_time_for_a_reason",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            never_truncated(),
            pgtrigger.Protect(
                name="content_frozen_outside_draft",
                operation=pgtrigger.Update,
                condition=~pgtrigger.Q(old__state=CampaignState.DRAFT)
                & any_change(*CAMPAIGN_CONTENT),
            ),
            pgtrigger.FSM(
                name="states_follow_the_approval",
                field="state",
                transitions=[
                    (CampaignState.DRAFT, CampaignState.IN_REVIEW),
                    (CampaignState.IN_REVIEW, CampaignState.DRAFT),
                    (CampaignState.IN_REVIEW, CampaignState.APPROVED),
                    (CampaignState.APPROVED, CampaignState.DRAFT),
                    (CampaignState.APPROVED, CampaignState.LIVE),
                    (CampaignState.APPROVED, CampaignState.ENDED),
                    (CampaignState.LIVE, CampaignState.ENDED),
                ],
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.code} v{self.version}"


class PromoTag(models.Model):
    """A provider's promo flag on one event, and whether a campaign of ours stands behind it.

    Written at intake in the event's own transaction, for every flag: one that names no campaign,
    or comes outside its window, is kept with the reason, because a person must look at it.
    """

    provider = models.ForeignKey("providers.Provider", on_delete=models.PROTECT, related_name="+")
    event_id = models.CharField("event", max_length=128, db_index=True)
    subject = models.CharField(max_length=170)
    flagged_code = models.CharField("flagged campaign", max_length=128)
    flagged_multiplier = models.CharField(max_length=128)
    occurred_at = models.DateTimeField()
    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, null=True, blank=True, related_name="tags"
    )
    campaign_version = models.PositiveIntegerField(null=True, blank=True)
    is_known = models.BooleanField("campaign known")
    is_in_window = models.BooleanField("in its window")
    multiplier_matches = models.BooleanField()
    reason = models.CharField("verdict", max_length=20, choices=TagReason.choices)
    created_at = models.DateTimeField()

    is_big_table: ClassVar[bool] = True

    class Meta:
        indexes = [
            models.Index(fields=["created_at"], name="promotions_tag_created"),
            models.Index(fields=["campaign", "occurred_at"], name="promotions_tag_campaign_time"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "event_id"], name="promotions_tag_once_per_event"
            ),
            models.CheckConstraint(
                condition=Q(is_known=True, campaign__isnull=False, campaign_version__isnull=False)
                | Q(is_known=False, campaign__isnull=True, campaign_version__isnull=True),
                name="promotions_tag_known_when_it_has_a_campaign",
            ),
            models.CheckConstraint(
                condition=~Q(reason=TagReason.IN_CAMPAIGN)
                | Q(is_known=True, is_in_window=True, multiplier_matches=True),
                name="promotions_tag_in_campaign_when_all_agrees",
            ),
            models.CheckConstraint(
                condition=Q(reason__in=TagReason.values), name="promotions_tag_reason_is_known"
            ),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return f"{self.subject} {self.flagged_code}"
