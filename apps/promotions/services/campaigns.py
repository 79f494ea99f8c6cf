"""Write campaigns.

draft -> in review -> approved -> live -> ended. Content changes only in a draft; an edit of an
approved campaign makes it a draft again, with a new version, and drops the approval.
"""

from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import structlog
from django.db import transaction

from apps.core.canonical import content_hash
from apps.core.history import note_edit
from apps.core.reasons import require_reason
from apps.core.services import record_audit
from apps.promotions.contracts import CampaignContent
from apps.promotions.enums import CampaignState, StartMode
from apps.promotions.errors import (
    CampaignCodeTakenError,
    CampaignContentError,
    CampaignStateError,
    SignedOutError,
)
from apps.promotions.locks import lock_campaign
from apps.promotions.models import Campaign
from apps.staff.services.approvals import Person

MAX_TERMS_LENGTH: Final = 100_000
MAX_MULTIPLIER: Final = 10_000

logger = structlog.get_logger(__name__)


@transaction.atomic
def create_campaign(
    content: CampaignContent, *, acting_user: Person, reason: str = "Created.", now: datetime
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
        created_by_id=author_id(acting_user),
        edited_by_id=author_id(acting_user),
        created_at=now,
    )
    note_edit(campaign, acting_user=acting_user, reason=reason, now=now)
    campaign.save(force_insert=True)
    return campaign


@transaction.atomic
def edit_campaign(
    campaign_id: int,
    content: CampaignContent,
    *,
    acting_user: Person,
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
    require_reason(reason)
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
    campaign.edited_by_id = author_id(acting_user)
    save_step(campaign, *fields, "edited_by", acting_user=acting_user, reason=reason, now=now)
    return campaign


def check_content(content: CampaignContent) -> None:
    """Refuse content that can't be a campaign.

    Raises:
        CampaignContentError: a field is missing or contradicts another one.
    """
    texts = {
        "code": ("code", 128),
        "name": ("name", 120),
        "terms_version": ("version of the terms", 40),
        "terms": ("terms", MAX_TERMS_LENGTH),
    }
    for name, (words, longest) in texts.items():
        text = getattr(content, name)
        if not text.strip() or "\x00" in text or len(text) > longest:
            raise CampaignContentError(
                f"The {words} is plain text of 1 to {longest} characters.", concerns=name
            )
    if content.starts_at.tzinfo is None or content.ends_at.tzinfo is None:
        raise CampaignContentError("Start and end need a time zone.")
    if content.ends_at <= content.starts_at:
        raise CampaignContentError("The campaign must end after it starts.", concerns="ends_at")
    _check_multiplier(content.multiplier)
    if content.start_mode not in StartMode.values:
        raise CampaignContentError(
            f"A campaign starts by schedule or by hand, not {content.start_mode!r}.",
            concerns="start_mode",
        )


def _check_multiplier(multiplier: Decimal) -> None:
    if not multiplier.is_finite() or not 0 < multiplier < MAX_MULTIPLIER:
        raise CampaignContentError(
            "The multiplier must be above 0 and below 10,000.", concerns="multiplier"
        )
    if multiplier != multiplier.quantize(Decimal("0.0001")):
        raise CampaignContentError(
            "The multiplier has at most four decimals.", concerns="multiplier"
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


def hash_of_content(campaign: Campaign) -> str:
    return content_hash(plain_content(campaign))


def subject_of(campaign: Campaign) -> str:
    return f"campaign:{campaign.pk}"


def author_id(person: Person) -> int:
    """Return the id of a signed-in member of staff.

    Raises:
        SignedOutError: nobody is signed in.
    """
    if person.pk is None:
        raise SignedOutError
    return person.pk


def save_step(
    campaign: Campaign, *fields: str, acting_user: Person | None, reason: str, now: datetime
) -> None:
    note_edit(campaign, acting_user=acting_user, reason=reason, now=now)
    campaign.save(update_fields=fields)


def audit_step(
    campaign: Campaign,
    step: str,
    *,
    acting_user: Person | None,
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


def _reopen(campaign: Campaign, *, acting_user: Person, reason: str, now: datetime) -> None:
    """Make an approved campaign a draft of the next version, before its content may change."""
    campaign.state = CampaignState.DRAFT
    campaign.version += 1
    campaign.content_hash = ""
    campaign.submitted_by = campaign.approval = campaign.approved_by = None
    campaign.approved_at = None
    save_step(
        campaign,
        "state",
        "version",
        "content_hash",
        "submitted_by",
        "approval",
        "approved_by",
        "approved_at",
        acting_user=acting_user,
        reason=reason,
        now=now,
    )
    audit_step(campaign, "reopened", acting_user=acting_user, reason=reason, now=now)


def _check_code_is_free(content: CampaignContent, *, except_id: int | None) -> None:
    same = Campaign.objects.filter(provider_id=content.provider_id, code=content.code)
    if except_id is not None:
        same = same.exclude(pk=except_id)
    if same.exists():
        raise CampaignCodeTakenError(content.code)
