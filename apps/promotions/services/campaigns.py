"""Write, review, start and end campaigns.

draft -> in review -> approved -> live -> ended. Content changes only in a draft; an edit of an
approved campaign makes it a draft again, with a new version, and voids the approval.
"""

import hashlib
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from django.contrib.auth.models import AbstractUser
from django.db import transaction

from apps.core.canonical import canonical_json
from apps.core.errors import ReasonRequiredError
from apps.core.services import record_audit
from apps.promotions.contracts import AdvanceReport, CampaignContent
from apps.promotions.enums import CampaignState, StartMode
from apps.promotions.errors import (
    CampaignChangedError,
    CampaignCodeTakenError,
    CampaignContentError,
    CampaignStateError,
    CampaignWindowError,
    OwnCampaignError,
)
from apps.promotions.locks import due_campaign_ids, lock_campaign
from apps.promotions.models import Campaign
from apps.staff.contracts import ApprovalGrant
from apps.staff.services import request_approval

logger = structlog.get_logger(__name__)

APPROVAL_KIND: Final = "promotions.campaign_approval"
END_OF_WINDOW: Final = "It reached its end."


@transaction.atomic
def create_campaign(
    content: CampaignContent, *, acting_user: AbstractUser, now: datetime
) -> Campaign:
    """Make a draft.

    Raises:
        CampaignContentError: a field is missing or contradicts another one.
        CampaignCodeTakenError: the provider already has a campaign of this code.
    """
    check_content(content)
    _check_code_is_free(content, except_id=None)
    campaign = Campaign(
        **asdict(content),
        created_by_id=acting_user.pk,
        edited_by_id=acting_user.pk,
        created_at=now,
    )
    campaign.save(force_insert=True)
    return campaign


@transaction.atomic
def edit_campaign(
    campaign_id: int,
    content: CampaignContent,
    *,
    acting_user: AbstractUser,
    reason: str,
    now: datetime,
) -> Campaign:
    """Change a draft, or take an approved campaign back to a draft of the next version.

    Raises:
        ReasonRequiredError: no reason is given.
        CampaignContentError, CampaignCodeTakenError: see ``create_campaign``.
        CampaignStateError: it is in review (withdraw it first), live or ended.
    """
    campaign = lock_campaign(campaign_id)
    _require_reason(reason)
    check_content(content)
    if content == content_of(campaign):
        return campaign
    if campaign.state == CampaignState.APPROVED:
        _reopen(campaign, acting_user=acting_user, reason=reason, now=now)
    if campaign.state != CampaignState.DRAFT:
        raise CampaignStateError(campaign, campaign.state, "edited")
    _check_code_is_free(content, except_id=campaign.pk)
    fields = asdict(content)
    for name, value in fields.items():
        setattr(campaign, name, value)
    campaign.edited_by_id = acting_user.pk
    _save(campaign, reason, *fields, "edited_by")
    return campaign


@transaction.atomic
def submit_campaign(
    *, campaign_id: int, acting_user: AbstractUser, reason: str, now: datetime
) -> int:
    """Freeze a draft and ask a second person to approve it; returns the approval's id.

    Raises:
        CampaignStateError: it is no draft.
        CampaignWindowError: its end has passed.
        ReasonRequiredError: no reason is given.
    """
    campaign = lock_campaign(campaign_id)
    _require_reason(reason)
    if campaign.state != CampaignState.DRAFT:
        raise CampaignStateError(campaign, campaign.state, "submitted")
    if campaign.ends_at <= now:
        raise CampaignWindowError(f"{campaign} would be over before anyone could approve it.")
    campaign.state = CampaignState.IN_REVIEW
    campaign.content_hash = content_hash(campaign)
    campaign.submitted_by_id = acting_user.pk
    _save(campaign, reason, "state", "content_hash", "submitted_by")
    approval = request_approval(
        kind=APPROVAL_KIND,
        subject=subject_of(campaign),
        title=f"Approve campaign {campaign}: {campaign.name}",
        payload=approval_payload(campaign),
        requested_by=acting_user,
        reason=reason,
        now=now,
    )
    return approval.pk


def execute_approval(grant: ApprovalGrant) -> dict[str, Any]:
    """Approve the campaign the second person saw; runs inside the approval's transaction.

    Raises:
        CampaignStateError: it isn't in review any more.
        CampaignChangedError: its content isn't what was submitted.
        OwnCampaignError: the approver edited or submitted it.
        CampaignWindowError: its end has passed.
    """
    campaign = lock_campaign(int(grant.payload["campaign_id"]))
    if campaign.state != CampaignState.IN_REVIEW:
        raise CampaignStateError(campaign, campaign.state, "approved")
    if approval_payload(campaign) != grant.payload or (
        content_hash(campaign) != campaign.content_hash
    ):
        raise CampaignChangedError(campaign)
    if grant.approved_by_id in {campaign.edited_by_id, campaign.submitted_by_id}:
        raise OwnCampaignError
    if campaign.ends_at <= grant.now:
        raise CampaignWindowError(f"{campaign} ended before it was approved.")
    campaign.state = CampaignState.APPROVED
    campaign.approval_id = grant.approval_id
    campaign.approved_by_id = grant.approved_by_id
    campaign.approved_at = grant.now
    _save(campaign, "Approved.", "state", "approval", "approved_by", "approved_at")
    return {"campaign_id": campaign.pk, "version": campaign.version}


@transaction.atomic
def go_live(
    *, campaign_id: int, acting_user: AbstractUser | None, reason: str, now: datetime
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
    _require_reason(reason)
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
    _save(campaign, reason, "state", "live_from")
    _audit(campaign, "live", acting_user=acting_user, reason=reason, now=now)
    return campaign


@transaction.atomic
def end_campaign(
    *, campaign_id: int, acting_user: AbstractUser | None, reason: str, now: datetime
) -> Campaign:
    """End a live or approved campaign now: the end of its window, or the kill switch.

    Events that happened before this moment still belong to it, whenever they arrive.

    Raises:
        CampaignStateError: it is neither live nor approved.
        ReasonRequiredError: no reason is given.
    """
    campaign = lock_campaign(campaign_id)
    _require_reason(reason)
    if campaign.state not in {CampaignState.LIVE, CampaignState.APPROVED}:
        raise CampaignStateError(campaign, campaign.state, "ended")
    campaign.state = CampaignState.ENDED
    campaign.ended_at = min(now, campaign.ends_at)
    campaign.end_reason = reason
    _save(campaign, reason, "state", "ended_at", "end_reason")
    _audit(campaign, "ended", acting_user=acting_user, reason=reason, now=now)
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


def check_content(content: CampaignContent) -> None:
    """Refuse content that can't be a campaign.

    Raises:
        CampaignContentError: a field is missing or contradicts another one.
    """
    texts = {
        "code": content.code,
        "name": content.name,
        "version of the terms": content.terms_version,
        "terms": content.terms,
    }
    for name, text in texts.items():
        if not text.strip() or "\x00" in text:
            raise CampaignContentError(f"The {name} must be filled in with plain text.")
    if content.starts_at.tzinfo is None or content.ends_at.tzinfo is None:
        raise CampaignContentError("Start and end need a time zone.")
    if content.ends_at <= content.starts_at:
        raise CampaignContentError("The campaign must end after it starts.")
    if not content.multiplier.is_finite() or content.multiplier <= 0:
        raise CampaignContentError("The multiplier must be above zero.")
    if content.start_mode not in StartMode.values:
        raise CampaignContentError(
            f"A campaign starts by schedule or by hand, not {content.start_mode!r}."
        )


def content_of(campaign: Campaign) -> CampaignContent:
    names = CampaignContent.__dataclass_fields__
    return CampaignContent(**{name: getattr(campaign, name) for name in names})


def plain_content(campaign: Campaign) -> dict[str, Any]:
    """Return the content as plain JSON, the same for equal content whoever loaded it."""
    content = content_of(campaign)
    return {
        **asdict(content),
        "multiplier": f"{content.multiplier:.4f}",
        "starts_at": content.starts_at.astimezone(UTC).isoformat(),
        "ends_at": content.ends_at.astimezone(UTC).isoformat(),
        "start_mode": str(content.start_mode),
    }


def content_hash(campaign: Campaign) -> str:
    return hashlib.sha256(canonical_json(plain_content(campaign))).hexdigest()


def approval_payload(campaign: Campaign) -> dict[str, Any]:
    """Return what the approval binds: the content, its hash and its version."""
    return {
        "campaign_id": campaign.pk,
        "version": campaign.version,
        "content": plain_content(campaign),
        "content_hash": campaign.content_hash,
    }


def subject_of(campaign: Campaign) -> str:
    return f"campaign:{campaign.pk}"


def _reopen(campaign: Campaign, *, acting_user: AbstractUser, reason: str, now: datetime) -> None:
    """Make an approved campaign a draft of the next version, before its content may change."""
    campaign.state = CampaignState.DRAFT
    campaign.version += 1
    campaign.content_hash = ""
    campaign.submitted_by = campaign.approval = campaign.approved_by = None
    campaign.approved_at = None
    _save(
        campaign,
        reason,
        "state",
        "version",
        "content_hash",
        "submitted_by",
        "approval",
        "approved_by",
        "approved_at",
    )
    _audit(campaign, "reopened", acting_user=acting_user, reason=reason, now=now)


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


def _check_code_is_free(content: CampaignContent, *, except_id: int | None) -> None:
    same = Campaign.objects.filter(provider_id=content.provider_id, code=content.code)
    if same.exclude(pk=except_id).exists():
        raise CampaignCodeTakenError(content.code)


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise ReasonRequiredError


def _save(campaign: Campaign, reason: str, *fields: str) -> None:
    campaign._change_reason = reason  # type: ignore[attr-defined]  # noqa: SLF001 - simple-history's documented attribute
    campaign.save(update_fields=fields)


def _audit(
    campaign: Campaign,
    step: str,
    *,
    acting_user: AbstractUser | None,
    reason: str,
    now: datetime,
) -> None:
    record_audit(
        action=f"promotions.campaign.{step}",
        actor=acting_user,
        subject=subject_of(campaign),
        details={"code": campaign.code, "version": campaign.version, "state": campaign.state},
        reason=reason,
        now=now,
    )
    logger.info("promotions.campaign.moved", campaign_id=campaign.pk, step=step)
