"""Rows that the promotion tests stand on."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.promotions.contracts import CampaignContent
from apps.promotions.models import Campaign
from apps.promotions.services.campaigns import create_campaign
from apps.promotions.services.review import submit_campaign
from apps.providers.models import Provider
from apps.staff.models import User
from apps.staff.services import approve
from tests.factories import make_user

NOW = datetime(2026, 11, 17, 10, tzinfo=UTC)
START = datetime(2026, 11, 18, tzinfo=UTC)
END = START + timedelta(days=2)

_numbers = itertools.count(1)


def make_provider(**fields: Any) -> Provider:
    number = next(_numbers)
    return Provider.objects.create(
        **{
            "code": f"promo-{number}",
            "name": f"Promo Studio {number}",
            "protocol": "native",
            "wallet_model": "hold",
            **fields,
        }
    )


def make_content(provider: Provider | None = None, **fields: Any) -> CampaignContent:
    content = CampaignContent(
        provider_id=(provider or make_provider()).pk,
        code="double-weekend",
        name="Double weekend",
        multiplier=Decimal("2.0"),
        starts_at=START,
        ends_at=END,
        terms_version="2026-11",
        terms="Wins are doubled. 18+.",
    )
    return replace(content, **fields)


def make_approver() -> User:
    return make_user(permissions=("promotions.approve_campaign",))


def make_draft(provider: Provider | None = None, **fields: Any) -> Campaign:
    return create_campaign(make_content(provider, **fields), acting_user=make_user(), now=NOW)


def submit(campaign: Campaign, *, now: datetime = NOW) -> int:
    return submit_campaign(
        campaign_id=campaign.pk, acting_user=make_user(), reason="For the weekend.", now=now
    )


def make_approved(
    provider: Provider | None = None, *, approved_at: datetime = NOW, **fields: Any
) -> Campaign:
    campaign = make_draft(provider, **fields)
    approval_id = submit(campaign)
    approve(approval_id=approval_id, user=make_approver(), reason="Terms fine.", now=approved_at)
    campaign.refresh_from_db()
    return campaign
