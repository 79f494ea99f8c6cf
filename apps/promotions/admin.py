from typing import TYPE_CHECKING, Any, override

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.admin import (
    ActionCall,
    HistoryAdmin,
    ReadOnlyAdmin,
    ReasonedAction,
    RefusalShownIn,
    badge_column,
    choice_filter,
    datetime_column,
    recent_filter,
)
from apps.core.admin.history import REASON_FIELD
from apps.promotions.contracts import CampaignContent
from apps.promotions.enums import CampaignState, StartMode, TagReason
from apps.promotions.models import Campaign, PromoTag
from apps.promotions.services import campaigns, review, schedule

if TYPE_CHECKING:
    _CampaignForm = forms.ModelForm[Campaign]
else:
    _CampaignForm = forms.ModelForm

CONTENT_FIELDS = [
    "provider",
    "code",
    "name",
    "multiplier",
    "starts_at",
    "ends_at",
    "start_mode",
    "terms_version",
    "terms",
]
EDITABLE_STATES = {CampaignState.DRAFT, CampaignState.APPROVED}
STATE_TONES = {
    "draft": "neutral",
    "in_review": "warning",
    "approved": "info",
    "live": "success",
    "ended": "neutral",
}
TAG_TONES = {
    "in_campaign": "success",
    "unknown_campaign": "danger",
    "before_window": "warning",
    "after_window": "warning",
    "wrong_multiplier": "danger",
}


def _submit(call: ActionCall) -> str:
    approval_id = review.submit_campaign(
        campaign_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    return f"Its content is frozen. A second person can approve it (approval {approval_id})."


def _withdraw(call: ActionCall) -> str:
    review.withdraw_campaign(
        campaign_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    return "It is a draft again."


def _go_live(call: ActionCall) -> str:
    campaign = schedule.go_live(
        campaign_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    return f"{campaign} is live. Flagged events are tagged with it from now on."


def _end(call: ActionCall) -> str:
    campaign = schedule.end_campaign(
        campaign_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    return f"{campaign} has ended. Events flagged after this moment are shown as outside it."


def _in_states(*states: CampaignState) -> Any:
    return lambda campaign, _user: campaign.state in states


class CampaignForm(_CampaignForm):
    """The content of a campaign; ``cleaned_content`` is what the service takes."""

    cleaned_content: CampaignContent

    class Meta:
        model = Campaign
        fields = CONTENT_FIELDS

    @override
    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if self.errors:
            return data
        content = {name: data[name] for name in CONTENT_FIELDS if name != "provider"}
        self.cleaned_content = CampaignContent(provider_id=data["provider"].pk, **content)
        with RefusalShownIn(self):
            campaigns.check_content(self.cleaned_content)
        return data


@admin.register(Campaign)
class CampaignAdmin(HistoryAdmin[Campaign]):
    """Drafts are edited; an edit of an approved campaign makes it a draft of the next version."""

    list_empty_text = "No campaign is written."
    form = CampaignForm
    list_display = [
        "code",
        "name",
        "provider",
        badge_column("state", STATE_TONES),
        "version",
        "shown_multiplier",
        datetime_column("starts_at", title="starts"),
        datetime_column("ends_at", title="ends"),
        "approved_by",
    ]
    list_filter = [
        choice_filter("state", "state", CampaignState.choices),
        choice_filter("start_mode", "start", StartMode.choices),
    ]
    list_select_related = ["provider", "approved_by"]
    search_fields = ["code__exact", "content_hash__exact"]
    search_help_text = "Code or content hash, exactly"
    ordering = ["-starts_at", "-pk"]
    reasoned_actions = [
        ReasonedAction(
            name="submit",
            label="Submit for review",
            permission="promotions.submit_campaign",
            perform=_submit,
            question="The content is frozen, and a second person approves exactly that.",
            tone="primary",
            is_offered=_in_states(CampaignState.DRAFT),
        ),
        ReasonedAction(
            name="withdraw",
            label="Back to draft",
            permission="promotions.submit_campaign",
            perform=_withdraw,
            question="Takes it out of review, to change it and submit it again.",
            is_offered=_in_states(CampaignState.IN_REVIEW),
        ),
        ReasonedAction(
            name="go-live",
            label="Go live",
            permission="promotions.start_campaign",
            perform=_go_live,
            question="Possible within its approved window. A schedule does this by itself.",
            tone="primary",
            is_offered=_in_states(CampaignState.APPROVED),
        ),
        ReasonedAction(
            name="end",
            label="End now",
            permission="promotions.end_campaign",
            perform=_end,
            question="The kill switch: it ends at this moment and can't be put live again.",
            tone="danger",
            is_offered=_in_states(CampaignState.LIVE, CampaignState.APPROVED),
        ),
    ]
    _status_fields = [
        ("Status", ["state", "version", "created_by", "edited_by", "tags_link"]),
        ("Review", ["submitted_by", "approval", "approved_by", "approved_at", "content_hash"]),
        ("Run", ["live_from", "ended_at", "end_reason"]),
    ]

    @override
    def get_fieldsets(self, request: HttpRequest, obj: Campaign | None = None) -> Any:
        window = ["starts_at", "ends_at", "start_mode"]
        groups = [
            ("Campaign", ["provider", "code", "name", "multiplier"]),
            ("Window (UTC)", window),
            ("Terms and conditions", ["terms_version", "terms"]),
            *(self._status_fields if obj is not None else []),
            *([("Why", [REASON_FIELD])] if self._may_save(request, obj) else []),
        ]
        return [(title, {"fields": list(names)}) for title, names in groups]

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Campaign | None = None) -> Any:
        return [name for _, names in self._status_fields for name in names]

    @override
    def has_change_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        # A form that was open while the campaign moved on is for the service to refuse.
        is_sent = request.method == "POST"
        is_open = is_sent or obj is None or obj.state in EDITABLE_STATES
        return is_open and super().has_change_permission(request, obj)

    @override
    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:
        reason, now = form.cleaned_data[REASON_FIELD], timezone.now()
        content = form.cleaned_content
        if change:
            campaigns.edit_campaign(
                obj.pk, content, acting_user=request.user, reason=reason, now=now
            )
        else:
            created = campaigns.create_campaign(
                content, acting_user=request.user, reason=reason, now=now
            )
            obj.pk = created.pk
        obj.refresh_from_db()

    @admin.display(description="multiplier", ordering="multiplier")
    def shown_multiplier(self, campaign: Campaign) -> str:
        return f"{campaign.multiplier.normalize():f}"

    @admin.display(description="tagged events")
    def tags_link(self, campaign: Campaign) -> SafeString:
        link = reverse("admin:promotions_promotag_changelist")
        return format_html('<a href="{}?campaign={}">Show its events</a>', link, campaign.pk)


@admin.register(PromoTag)
class PromoTagAdmin(ReadOnlyAdmin[PromoTag]):
    list_empty_text = "No event carried a provider's promotion flag."
    list_display = [
        "event_id",
        "provider",
        "flagged_code",
        "flagged_multiplier",
        badge_column("reason", TAG_TONES, title="verdict"),
        "campaign_version",
        datetime_column("occurred_at", title="played"),
    ]
    list_filter = [
        choice_filter("reason", "verdict (newest 20,000)", TagReason.choices, indexed=()),
        choice_filter(
            "campaign",
            "campaign",
            lambda: [
                (str(campaign.pk), str(campaign))
                for campaign in Campaign.objects.order_by("-starts_at", "-pk")[:50]
            ],
        ),
        recent_filter("created_at", "received"),
    ]
    list_select_related = ["provider"]
    search_fields = ["event_id__exact"]
    search_help_text = "Event id, exactly"
    ordering = ["-pk"]
