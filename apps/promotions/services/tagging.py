"""Tag flagged events on the hot path: load campaigns, judge in memory, save.

The caller owns the transaction. A flag that matches no campaign is tagged all the same, with the
reason: it is the provider's claim, and staff must see it.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from apps.core.batches import Cursor
from apps.promotions import statements
from apps.promotions.contracts import CampaignRef, FlaggedEvent, Tag, TagVerdict
from apps.promotions.enums import TagReason

MAX_FLAG_LENGTH = 128


def load_campaigns(
    cursor: Cursor, provider_ids: Sequence[int]
) -> dict[tuple[int, str], CampaignRef]:
    """Return live, scheduled and past campaigns by (provider id, campaign code)."""
    if not provider_ids:
        return {}
    cursor.execute(statements.CAMPAIGNS_OF_PROVIDERS, [sorted(set(provider_ids))])
    campaigns = (_campaign_from_row(row) for row in cursor.fetchall())
    return {(campaign.provider_id, campaign.code): campaign for campaign in campaigns}


def judge_tag(
    campaign: CampaignRef | None,
    *,
    flagged_code: str,
    multiplier: str,
    occurred_at: datetime,
) -> TagVerdict:
    """Compare a provider's flag with the campaign it names; pure."""
    if campaign is None or campaign.code != flagged_code:
        return TagVerdict(
            is_known=False,
            is_in_window=False,
            multiplier_matches=False,
            reason=TagReason.UNKNOWN_CAMPAIGN,
        )
    matches = _same_multiplier(multiplier, campaign.multiplier)
    is_in_window = campaign.live_from <= occurred_at < campaign.live_until
    if occurred_at < campaign.live_from:
        reason = TagReason.BEFORE_WINDOW
    elif not is_in_window:
        reason = TagReason.AFTER_WINDOW
    else:
        reason = TagReason.IN_CAMPAIGN if matches else TagReason.WRONG_MULTIPLIER
    return TagVerdict(
        is_known=True, is_in_window=is_in_window, multiplier_matches=matches, reason=reason
    )


def make_tag(event: FlaggedEvent, campaign: CampaignRef | None) -> Tag:
    """Judge one flagged event and return the tag to save; pure."""
    verdict = judge_tag(
        campaign,
        flagged_code=event.flagged_code,
        multiplier=event.flagged_multiplier,
        occurred_at=event.occurred_at,
    )
    known = campaign if verdict.is_known else None
    return Tag(
        provider_id=event.provider_id,
        event_id=event.event_id,
        subject=event.subject,
        flagged_code=event.flagged_code,
        flagged_multiplier=event.flagged_multiplier,
        occurred_at=event.occurred_at,
        campaign_id=None if known is None else known.campaign_id,
        campaign_version=None if known is None else known.version,
        verdict=verdict,
    )


def save_tags(cursor: Cursor, tags: Sequence[Tag], now: datetime) -> None:
    """Append tags; an event that is already tagged keeps its first tag."""
    if tags:
        cursor.execute(statements.INSERT_TAGS, [now, *_tag_columns(tags)])


def _same_multiplier(flagged: str, agreed: Decimal) -> bool:
    """Compare by value ("2", "2.0" and "2.00" agree); what isn't a number never matches."""
    try:
        return Decimal(flagged) == agreed
    except InvalidOperation:
        return False


def _campaign_from_row(row: Sequence[Any]) -> CampaignRef:
    return CampaignRef(
        campaign_id=row[0],
        provider_id=row[1],
        code=row[2],
        version=row[3],
        multiplier=Decimal(row[4]),
        live_from=row[5],
        live_until=row[6],
    )


def _tag_columns(tags: Sequence[Tag]) -> list[list[Any]]:
    """Turn tags into the arrays of INSERT_TAGS, in its column order."""
    return [
        [tag.provider_id for tag in tags],
        [tag.event_id for tag in tags],
        [tag.subject for tag in tags],
        # What the provider sent may be longer than the column; the raw delivery keeps it whole.
        [tag.flagged_code[:MAX_FLAG_LENGTH] for tag in tags],
        [tag.flagged_multiplier[:MAX_FLAG_LENGTH] for tag in tags],
        [tag.occurred_at for tag in tags],
        [tag.campaign_id for tag in tags],
        [tag.campaign_version for tag in tags],
        [tag.verdict.is_known for tag in tags],
        [tag.verdict.is_in_window for tag in tags],
        [tag.verdict.multiplier_matches for tag in tags],
        [tag.verdict.reason.value for tag in tags],
    ]
