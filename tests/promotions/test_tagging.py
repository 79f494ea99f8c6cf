"""Judging promo flags in memory; the database side is in test_tag_rows."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from apps.promotions.contracts import CampaignRef, FlaggedEvent
from apps.promotions.enums import TagReason
from apps.promotions.services.tagging import judge_tag, make_tag

START = datetime(2026, 11, 18, tzinfo=UTC)
END = START + timedelta(days=2)
CAMPAIGN = CampaignRef(
    campaign_id=5,
    provider_id=1,
    code="double-weekend",
    version=3,
    multiplier=Decimal("2.0000"),
    live_from=START,
    live_until=END,
)


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        (START - timedelta(microseconds=1), TagReason.BEFORE_WINDOW),
        (START, TagReason.IN_CAMPAIGN),
        (END - timedelta(microseconds=1), TagReason.IN_CAMPAIGN),
        (END, TagReason.AFTER_WINDOW),
    ],
)
def test_a_flag_counts_from_the_start_until_just_before_the_end(
    at: datetime, reason: TagReason
) -> None:
    verdict = judge_tag(CAMPAIGN, flagged_code="double-weekend", multiplier="2.0", occurred_at=at)
    assert verdict.reason == reason
    assert verdict.is_known
    assert verdict.is_in_window == (reason == TagReason.IN_CAMPAIGN)


@pytest.mark.parametrize("multiplier", ["2", "2.0", "2.00", "2.000000"])
def test_multipliers_are_compared_by_value(multiplier: str) -> None:
    verdict = judge_tag(
        CAMPAIGN, flagged_code="double-weekend", multiplier=multiplier, occurred_at=START
    )
    assert verdict.multiplier_matches


@pytest.mark.parametrize(
    "multiplier", ["3.0", "1.99999", "", "two", "NaN", "sNaN", "Infinity", "-2", "2,0", "2e999999"]
)
def test_another_or_a_broken_multiplier_does_not_match(multiplier: str) -> None:
    verdict = judge_tag(
        CAMPAIGN, flagged_code="double-weekend", multiplier=multiplier, occurred_at=START
    )
    assert verdict.is_known
    assert not verdict.multiplier_matches
    assert verdict.reason == TagReason.WRONG_MULTIPLIER


@pytest.mark.parametrize("campaign", [None, CAMPAIGN])
def test_a_flag_of_no_campaign_of_ours_is_tagged_as_unknown(campaign: CampaignRef | None) -> None:
    event = FlaggedEvent(1, "e1", "aurora:e1", "summer", "2.0", START)
    tag = make_tag(event, campaign)
    assert tag.verdict.reason == TagReason.UNKNOWN_CAMPAIGN
    assert (tag.campaign_id, tag.campaign_version) == (None, None)


def test_a_tag_keeps_the_campaign_version_that_was_live() -> None:
    event = FlaggedEvent(1, "e1", "aurora:e1", "double-weekend", "2.0", START)
    tag = make_tag(event, CAMPAIGN)
    assert (tag.campaign_id, tag.campaign_version) == (5, 3)
