"""The set-based statements of tagging."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from apps.promotions.contracts import FlaggedEvent
from apps.promotions.enums import TagReason
from apps.promotions.models import Campaign, PromoTag
from apps.promotions.selectors import tag_counts_since
from apps.promotions.services.schedule import end_campaign, go_live
from apps.promotions.services.tagging import load_campaigns, make_tag, save_tags
from apps.providers.models import Provider
from tests.promotions.makers import END, NOW, START, make_approved, make_draft, make_provider

pytestmark = pytest.mark.django_db

LATER = START + timedelta(hours=1)


@pytest.fixture
def cursor() -> Iterator[Any]:
    with connection.cursor() as django_cursor:
        yield django_cursor


def flag(
    provider: Provider, event_id: str = "e1", code: str = "double-weekend", at: datetime = LATER
) -> FlaggedEvent:
    return FlaggedEvent(provider.pk, event_id, f"{provider.code}:{event_id}", code, "2.0", at)


def put_live(campaign: Campaign) -> None:
    go_live(campaign_id=campaign.pk, acting_user=None, reason="Go.", now=START)


def test_only_campaigns_that_were_approved_are_loaded(cursor: Any) -> None:
    live, ended, waiting, by_hand, draft = (make_provider() for _ in range(5))
    put_live(make_approved(live))
    over = make_approved(ended)
    put_live(over)
    end_campaign(
        campaign_id=over.pk, acting_user=None, reason="Stop.", now=START + timedelta(hours=2)
    )
    make_approved(waiting)
    make_approved(by_hand, start_mode="manual")
    make_draft(draft)
    everyone = [provider.pk for provider in (live, ended, waiting, by_hand, draft)]
    found = load_campaigns(cursor, everyone)
    assert {provider_id for provider_id, _ in found} == {live.pk, ended.pk, waiting.pk}
    windows = {key[0]: (ref.live_from, ref.live_until) for key, ref in found.items()}
    assert windows[live.pk] == (START, END)
    assert windows[ended.pk] == (START, START + timedelta(hours=2))
    assert windows[waiting.pk] == (START, END)
    assert load_campaigns(cursor, []) == {}


def test_flags_are_saved_with_their_verdict_and_campaign(cursor: Any) -> None:
    provider = make_provider()
    campaign = make_approved(provider)
    put_live(campaign)
    campaigns = load_campaigns(cursor, [provider.pk])
    events = [
        flag(provider, "e1"),
        flag(provider, "e2", code="summer"),
        flag(provider, "e3", at=END),
        flag(provider, "e4", code="x" * 500),
    ]
    tags = [make_tag(e, campaigns.get((e.provider_id, e.flagged_code))) for e in events]
    save_tags(cursor, tags, LATER)
    rows = {row.event_id: row for row in PromoTag.objects.all()}
    assert {event_id: row.reason for event_id, row in rows.items()} == {
        "e1": TagReason.IN_CAMPAIGN,
        "e2": TagReason.UNKNOWN_CAMPAIGN,
        "e3": TagReason.AFTER_WINDOW,
        "e4": TagReason.UNKNOWN_CAMPAIGN,
    }
    assert (rows["e1"].campaign_id, rows["e1"].campaign_version) == (campaign.pk, 1)
    assert rows["e2"].campaign_id is None
    assert rows["e4"].flagged_code == "x" * 128
    counts = tag_counts_since(LATER)
    assert (counts.tagged, counts.in_campaign, counts.to_look_at) == (4, 1, 3)


def test_an_event_keeps_its_first_tag(cursor: Any) -> None:
    provider = make_provider()
    save_tags(cursor, [make_tag(flag(provider), None)], LATER)
    put_live(make_approved(provider))
    found = load_campaigns(cursor, [provider.pk])
    save_tags(cursor, [make_tag(flag(provider), found[provider.pk, "double-weekend"])], LATER)
    save_tags(cursor, [], LATER)
    assert PromoTag.objects.get().reason == TagReason.UNKNOWN_CAMPAIGN


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"is_known": True}, "promotions_tag_known_when_it_has_a_campaign"),
        ({"reason": "in_campaign"}, "promotions_tag_in_campaign_when_all_agrees"),
        ({"reason": "luck"}, "promotions_tag_reason_is_known"),
        ({"event_id": "e1"}, "promotions_tag_once_per_event"),
    ],
)
def test_the_database_refuses_a_tag_that_contradicts_itself(
    change: dict[str, Any], constraint: str, cursor: Any
) -> None:
    provider = make_provider()
    save_tags(cursor, [make_tag(flag(provider), None)], NOW)
    row = PromoTag.objects.get()
    row.pk, row.event_id = None, "e2"
    for field, value in change.items():
        setattr(row, field, value)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        row.save(force_insert=True)


def test_the_database_refuses_to_change_a_tag(cursor: Any) -> None:
    save_tags(cursor, [make_tag(flag(make_provider()), None)], NOW)
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        PromoTag.objects.update(flagged_code="other")
