"""The pages staff use, with what they may type into them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client, RequestFactory
from django.urls import reverse

from apps.promotions import home
from apps.promotions.contracts import FlaggedEvent
from apps.promotions.models import Campaign
from apps.promotions.services.schedule import go_live
from apps.promotions.services.tagging import make_tag, save_tags
from apps.staff.models import Approval, User
from tests.factories import make_user
from tests.forms import ABOVE_THE_FORM, as_shown, assert_kept
from tests.promotions.makers import START, make_approved, make_approver, make_draft, make_provider

pytestmark = pytest.mark.django_db

VIEW = ("promotions.view_campaign", "promotions.view_promotag")
WRITE = (
    *VIEW,
    "promotions.add_campaign",
    "promotions.change_campaign",
    "promotions.submit_campaign",
    "promotions.start_campaign",
    "promotions.end_campaign",
    "providers.view_provider",
)


def signed_in(*permissions: str) -> tuple[Client, User]:
    user = make_user(permissions=permissions)
    client = Client()
    client.force_login(user)
    return client, user


def campaign_form(provider_id: int, **change: str) -> dict[str, str]:
    """A form whose window lies around the real now, which the pages read."""
    today = datetime.now(UTC)
    return {
        "provider": str(provider_id),
        "code": "double-weekend",
        "name": "Double weekend",
        "multiplier": "2.0",
        "starts_at_0": f"{today - timedelta(days=1):%Y-%m-%d}",
        "starts_at_1": "10:00:00",
        "ends_at_0": f"{today + timedelta(days=2):%Y-%m-%d}",
        "ends_at_1": "10:00:00",
        "start_mode": "manual",
        "terms_version": "2026-11",
        "terms": "Wins are doubled. 18+.",
        "change_reason": "For the weekend.",
        **change,
    }


def do(client: Client, campaign: Campaign, step: str, reason: str = "For the weekend.") -> str:
    address = reverse("admin:promotions_campaign_do", args=[campaign.pk, step])
    return client.post(address, {"reason": reason}, follow=True).content.decode()


def test_a_campaign_is_written_reviewed_started_and_ended_on_its_pages() -> None:
    client, user = signed_in(*WRITE)
    form = campaign_form(make_provider().pk)
    answer = client.post(reverse("admin:promotions_campaign_add"), form)
    assert answer.status_code == 302, answer.context["errors"]
    campaign = Campaign.objects.get()
    assert (campaign.created_by, campaign.state) == (user, "draft")
    assert campaign.history.latest().history_change_reason == "For the weekend."

    assert "second person can approve it" in do(client, campaign, "submit")
    approver = make_user(permissions=("promotions.approve_campaign", "staff.view_approval"))
    second = Client()
    second.force_login(approver)
    approval = Approval.objects.get()
    second.post(
        reverse("admin:staff_approval_do", args=[approval.pk, "approve"]), {"reason": "Terms fine."}
    )
    campaign.refresh_from_db()
    assert (campaign.state, campaign.approved_by) == ("approved", approver)

    assert "is live" in do(client, campaign, "go-live")
    assert "has ended" in do(client, campaign, "end", "The odds were wrong.")
    campaign.refresh_from_db()
    assert (campaign.state, campaign.end_reason) == ("ended", "The odds were wrong.")


def test_the_versions_of_a_campaign_say_who_why_and_what_in_words() -> None:
    client, user = signed_in(*WRITE)
    client.post(reverse("admin:promotions_campaign_add"), campaign_form(make_provider().pk))
    campaign = Campaign.objects.get()
    do(client, campaign, "submit")
    campaign.refresh_from_db()
    answer = client.get(reverse("admin:promotions_campaign_history", args=[campaign.pk]))
    changes = {one["field"]: one for one in answer.context["page_obj"][0].history_delta_changes}
    assert changes["State"] == {"field": "State", "old": "Draft", "new": "In review"}
    assert changes["Submitted by"] == {"field": "Submitted by", "old": "-", "new": str(user)}
    text = answer.content.decode()
    assert "For the weekend." in text
    assert str(user) in text
    assert f"/admin/staff/user/{user.pk}/" not in text  # It would be closed to this person.
    campaign.history.update(history_user=None)
    text = client.get(answer.request["PATH_INFO"]).content.decode()
    assert "system" in text
    assert "None" not in text


def test_an_old_version_of_a_campaign_shows_its_values_and_no_fields() -> None:
    client, _ = signed_in(*WRITE)
    client.post(reverse("admin:promotions_campaign_add"), campaign_form(make_provider().pk))
    version = Campaign.objects.get().history.get()
    page = reverse("admin:promotions_campaign_simple_history", args=[version.id, version.pk])
    answer = client.get(page)
    assert "Wins are doubled. 18+." in answer.content.decode()
    assert "actionDropdownOpen" not in answer.content.decode()  # no button that leads nowhere
    assert set(as_shown(answer)) <= {"s"}  # what the menu searches with


@pytest.mark.parametrize(
    "change",
    [
        {"multiplier": "0"},
        {"multiplier": "NaN"},
        {"multiplier": "2.00001"},
        {"ends_at_0": "2020-01-01"},
        {"starts_at_0": "yesterday"},
        {"provider": "999999"},
        {"code": ""},
        {"code": "x" * 129},
        {"terms": "a\x00b"},
        {"start_mode": "whenever"},
        {"change_reason": ""},
    ],
    ids=lambda change: f"{change!s:.40}",
)
def test_a_campaign_with_wrong_input_is_refused_on_the_page(change: dict[str, str]) -> None:
    client, _ = signed_in(*WRITE)
    form = campaign_form(make_provider().pk, **change)
    assert client.post(reverse("admin:promotions_campaign_add"), form).status_code == 200
    assert not Campaign.objects.exists()


def test_a_code_used_twice_is_refused_on_the_page() -> None:
    client, _ = signed_in(*WRITE)
    provider = make_provider()
    make_draft(provider)
    answer = client.post(reverse("admin:promotions_campaign_add"), campaign_form(provider.pk))
    assert answer.status_code == 200
    assert Campaign.objects.count() == 1


def test_an_edit_of_an_approved_campaign_reopens_it() -> None:
    client, user = signed_in(*WRITE)
    campaign = make_approved()
    form = campaign_form(campaign.provider_id, multiplier="3")
    address = reverse("admin:promotions_campaign_change", args=[campaign.pk])
    assert client.post(address, form).status_code == 302
    campaign.refresh_from_db()
    assert (campaign.state, campaign.version, campaign.multiplier) == ("draft", 2, Decimal(3))
    assert (campaign.approved_by, campaign.edited_by) == (None, user)


def test_a_live_campaign_is_shown_and_not_edited() -> None:
    client, _ = signed_in(*WRITE)
    campaign = make_approved()
    go_live(campaign_id=campaign.pk, acting_user=None, reason="Go.", now=START)
    address = reverse("admin:promotions_campaign_change", args=[campaign.pk])
    assert client.get(address).status_code == 200
    form = campaign_form(campaign.provider_id, name="Triple weekend", multiplier="3")
    typed = {name: form[name] for name in ("name", "multiplier", "terms", "change_reason")}
    answer = client.post(address, form)
    assert_kept(answer, typed, beside=ABOVE_THE_FORM, says="is live: it can't be edited")
    campaign.refresh_from_db()
    assert (campaign.state, campaign.name) == ("live", "Double weekend")
    reader, _ = signed_in(*VIEW)
    assert reader.post(address, form).status_code == 403


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"multiplier": "0"}, "multiplier", "above 0"),
        ({"ends_at_0": "2020-01-01"}, "ends_at", "end after it starts"),
        ({"terms": "18+ &amp; <b>", "multiplier": "-1"}, "multiplier", "below 10,000"),
    ],
)
def test_a_refused_campaign_keeps_what_was_typed_and_says_why_beside_the_field(
    change: dict[str, str], field: str, says: str
) -> None:
    client, _ = signed_in(*WRITE)
    form = campaign_form(make_provider().pk, **change)
    answer = client.post(reverse("admin:promotions_campaign_add"), form)
    assert_kept(answer, form, beside=field, says=says)
    assert not Campaign.objects.exists()


def test_a_step_that_came_too_late_is_a_message() -> None:
    client, _ = signed_in(*WRITE)
    campaign = make_draft()
    assert "it can&#x27;t be ended" in do(client, campaign, "end")


@pytest.mark.parametrize("step", ["submit", "withdraw", "go-live", "end"])
def test_who_may_only_look_can_do_nothing(step: str) -> None:
    client, _ = signed_in(*VIEW)
    campaign = make_approved()
    address = reverse("admin:promotions_campaign_do", args=[campaign.pk, step])
    assert client.get(address).status_code == 403
    assert client.post(address, {"reason": "Because I want."}).status_code == 403
    campaign.refresh_from_db()
    assert campaign.state == "approved"


@time_machine.travel(datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC), tick=False)
def test_lists_tags_and_home_cards_open() -> None:
    client, _ = signed_in(*VIEW)
    provider = make_provider()
    campaign = make_approved(provider)
    go_live(campaign_id=campaign.pk, acting_user=None, reason="Go.", now=START)
    make_approver()
    event = FlaggedEvent(provider.pk, "e1", f"{provider.code}:e1", "summer", "2.0", START)
    with connection.cursor() as cursor:
        save_tags(cursor, [make_tag(event, None)], datetime.now(UTC))
    for name in ("campaign", "promotag"):
        address = reverse(f"admin:promotions_{name}_changelist")
        for query in ({}, {"q": "e1"}, {"q": "a\x00b"}, {"reason": "unknown_campaign"}):
            assert client.get(address, query, follow=True).status_code == 200
    request = RequestFactory().get("/")
    assert home.live_campaigns_card(request).value == "1"
    assert home.campaigns_in_review_card(request).value == "0"
    card: Any = home.tagged_events_card(request)
    assert (card.value, card.note) == ("1", "0 in a campaign, 1 to look at")
    assert "summer" in card.rows[0].title
