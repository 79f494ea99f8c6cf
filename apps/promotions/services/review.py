"""Review campaigns: one person submits, another approves exactly that."""

from datetime import datetime
from typing import Any, Final

from django.db import transaction

from apps.core.reasons import require_reason
from apps.promotions.enums import CampaignState
from apps.promotions.errors import (
    CampaignChangedError,
    CampaignStateError,
    CampaignWindowError,
    OwnCampaignError,
)
from apps.promotions.locks import lock_campaign
from apps.promotions.models import Campaign
from apps.promotions.selectors import campaign_by_id
from apps.promotions.services.campaigns import (
    audit_step,
    hash_of_content,
    plain_content,
    save_step,
    subject_of,
)
from apps.staff.contracts import ApprovalGrant
from apps.staff.enums import ApprovalState
from apps.staff.services import cancel, request_approval
from apps.staff.services.approvals import Person

APPROVAL_KIND: Final = "promotions.campaign_approval"


@transaction.atomic
def submit_campaign(*, campaign_id: int, acting_user: Person, reason: str, now: datetime) -> int:
    """Freeze a draft and ask a second person to approve it; returns the approval's id.

    Raises:
        CampaignStateError: it is no draft.
        CampaignWindowError: its end has passed.
        ReasonRequiredError: no reason is given.
    """
    campaign = lock_campaign(campaign_id)
    require_reason(reason)
    if campaign.state != CampaignState.DRAFT:
        raise CampaignStateError(campaign, campaign.state, "submitted")
    if campaign.ends_at <= now:
        raise CampaignWindowError(f"{campaign} would be over before anyone could approve it.")
    campaign.state = CampaignState.IN_REVIEW
    campaign.content_hash = hash_of_content(campaign)
    campaign.submitted_by_id = acting_user.pk
    approval = request_approval(
        kind=APPROVAL_KIND,
        subject=subject_of(campaign),
        title=f"Approve campaign {campaign}: {campaign.name}",
        payload=approval_payload(campaign),
        requested_by=acting_user,
        reason=reason,
        now=now,
    )
    campaign.approval_id = approval.pk
    save_step(
        campaign,
        "state",
        "content_hash",
        "submitted_by",
        "approval",
        acting_user=acting_user,
        reason=reason,
        now=now,
    )
    return approval.pk


@transaction.atomic
def withdraw_campaign(
    *, campaign_id: int, acting_user: Person, reason: str, now: datetime
) -> Campaign:
    """Take a campaign out of review, back to a draft: one's own request, or one that was rejected.

    Raises:
        CampaignStateError: it isn't in review.
        NotTheRequesterError: somebody else's request still awaits a decision.
        ReasonRequiredError: no reason is given.
    """
    require_reason(reason)
    seen = campaign_by_id(campaign_id)
    # The approval is locked before the campaign, as when it is decided.
    if (
        seen is not None
        and seen.approval is not None
        and seen.approval.state == ApprovalState.PENDING
    ):
        cancel(approval_id=seen.approval.pk, user=acting_user, reason=reason, now=now)
    campaign = lock_campaign(campaign_id)
    if campaign.state != CampaignState.IN_REVIEW:
        raise CampaignStateError(campaign, campaign.state, "withdrawn")
    campaign.state = CampaignState.DRAFT
    campaign.content_hash = ""
    campaign.submitted_by = campaign.approval = None
    save_step(
        campaign,
        "state",
        "content_hash",
        "submitted_by",
        "approval",
        acting_user=acting_user,
        reason=reason,
        now=now,
    )
    audit_step(campaign, "withdrawn", acting_user=acting_user, reason=reason, now=now)
    return campaign


def recheck_campaign(payload: dict[str, Any]) -> None:
    """Refuse when the campaign isn't what was submitted; locks it.

    Raises:
        CampaignStateError: it isn't in review any more.
        CampaignChangedError: its content isn't what was submitted.
    """
    campaign = lock_campaign(int(payload["campaign_id"]))
    if campaign.state != CampaignState.IN_REVIEW:
        raise CampaignStateError(campaign, campaign.state, "approved")
    is_same = approval_payload(campaign) == payload
    if not is_same or hash_of_content(campaign) != campaign.content_hash:
        raise CampaignChangedError(campaign)


def editors_of_campaign(payload: dict[str, Any]) -> set[int]:
    """Return who wrote or submitted the content: none of them may approve it."""
    campaign = lock_campaign(int(payload["campaign_id"]))
    people = {campaign.created_by_id, campaign.edited_by_id, campaign.submitted_by_id}
    return {person for person in people if person is not None}


def execute_approval(grant: ApprovalGrant) -> dict[str, Any]:
    """Approve the campaign the second person saw; runs inside the approval's transaction.

    Raises:
        CampaignStateError, CampaignChangedError: see ``recheck_campaign``.
        OwnCampaignError: the approver edited or submitted it.
        CampaignWindowError: its end has passed.
    """
    recheck_campaign(grant.payload)
    campaign = lock_campaign(int(grant.payload["campaign_id"]))
    if grant.approved_by_id in {campaign.edited_by_id, campaign.submitted_by_id}:
        raise OwnCampaignError
    if campaign.ends_at <= grant.now:
        raise CampaignWindowError(f"{campaign} ended before it was approved.")
    campaign.state = CampaignState.APPROVED
    campaign.approval_id = grant.approval_id
    campaign.approved_by_id = grant.approved_by_id
    campaign.approved_at = grant.now
    save_step(
        campaign,
        "state",
        "approval",
        "approved_by",
        "approved_at",
        acting_user=None,
        reason=f"Approval {grant.approval_id}",
        now=grant.now,
    )
    return {"campaign_id": campaign.pk, "version": campaign.version}


def approval_payload(campaign: Campaign) -> dict[str, Any]:
    """Return what the approval binds: the content, its hash and its version."""
    return {
        "campaign_id": campaign.pk,
        "version": campaign.version,
        "content": plain_content(campaign),
        "content_hash": campaign.content_hash,
    }
