from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from apps.core.errors import ReasonRequiredError
from apps.promotions.enums import CampaignState
from apps.promotions.errors import (
    CampaignCodeTakenError,
    CampaignContentError,
    CampaignStateError,
    CampaignWindowError,
)
from apps.promotions.models import Campaign
from apps.promotions.services.campaigns import (
    content_of,
    create_campaign,
    edit_campaign,
    hash_of_content,
)
from apps.promotions.services.review import submit_campaign, withdraw_campaign
from apps.promotions.services.schedule import advance_campaigns, end_campaign, go_live
from apps.staff.enums import ApprovalState
from apps.staff.errors import ApprovalVoidError, NotTheRequesterError, SelfApprovalError
from apps.staff.models import Approval
from apps.staff.services import approve, reject
from tests.factories import make_user
from tests.promotions.makers import (
    END,
    NOW,
    START,
    make_approved,
    make_approver,
    make_content,
    make_draft,
    make_provider,
    submit,
)
from tests.races import race

pytestmark = pytest.mark.django_db


def edit(campaign: Campaign, *, user: Any = None, **change: Any) -> Campaign:
    content = replace(content_of(campaign), **change)
    return edit_campaign(
        campaign.pk, content, acting_user=user or make_user(), reason="Better terms.", now=NOW
    )


def live(campaign: Campaign, now: datetime = START) -> Campaign:
    return go_live(campaign_id=campaign.pk, acting_user=None, reason="Go.", now=now)


def end(campaign: Campaign, now: datetime) -> Campaign:
    return end_campaign(campaign_id=campaign.pk, acting_user=None, reason="Wrong odds.", now=now)


def test_a_campaign_goes_from_draft_to_ended_through_two_people() -> None:
    campaign = make_draft()
    assert campaign.state == CampaignState.DRAFT
    approval_id = submit(campaign)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.approval_id) == (CampaignState.IN_REVIEW, approval_id)
    assert campaign.content_hash == hash_of_content(campaign)

    approver = make_approver()
    approve(approval_id=approval_id, user=approver, reason="Terms fine.", now=NOW)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.approved_by_id) == (CampaignState.APPROVED, approver.pk)

    assert live(campaign).live_from == START
    ended = end(campaign, START + timedelta(hours=5))
    assert (ended.state, ended.ended_at) == (CampaignState.ENDED, START + timedelta(hours=5))
    assert [row.state for row in campaign.history.order_by("history_id")] == [
        "draft",
        "in_review",
        "approved",
        "live",
        "ended",
    ]


@pytest.mark.parametrize("role", ["author", "editor", "submitter"])
def test_who_wrote_edited_or_submitted_a_campaign_cannot_approve_it(role: str) -> None:
    people = {name: make_approver() for name in ("author", "editor", "submitter")}
    campaign = create_campaign(make_content(), acting_user=people["author"], now=NOW)
    edit(campaign, user=people["editor"], name="Double weekend, better")
    approval_id = submit_campaign(
        campaign_id=campaign.pk, acting_user=people["submitter"], reason="For it.", now=NOW
    )
    with pytest.raises(SelfApprovalError):
        approve(approval_id=approval_id, user=people[role], reason="Fine.", now=NOW)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.approved_by_id) == (CampaignState.IN_REVIEW, None)


def test_content_cannot_be_edited_while_it_is_in_review() -> None:
    campaign = make_draft()
    submit(campaign)
    with pytest.raises(CampaignStateError):
        edit(campaign, multiplier=Decimal(3))
    campaign.refresh_from_db()
    assert campaign.multiplier == 2


def test_an_edit_after_approval_makes_it_a_draft_of_the_next_version() -> None:
    campaign = make_approved()
    edited = edit(campaign, multiplier=Decimal(3))
    assert (edited.state, edited.version, edited.multiplier) == ("draft", 2, Decimal(3))
    edited.refresh_from_db()
    assert (edited.approval, edited.approved_by, edited.content_hash) == (None, None, "")
    with pytest.raises(CampaignStateError):
        live(edited)
    approval_id = submit(edited)
    approve(approval_id=approval_id, user=make_approver(), reason="Again.", now=NOW)
    edited.refresh_from_db()
    assert (edited.state, edited.version) == (CampaignState.APPROVED, 2)


def test_saving_an_approved_campaign_unchanged_keeps_its_approval() -> None:
    campaign = make_approved()
    assert edit(campaign).state == CampaignState.APPROVED


@pytest.mark.parametrize("state", ["live", "ended"])
def test_a_live_or_ended_campaign_cannot_be_edited(state: str) -> None:
    campaign = make_approved()
    live(campaign)
    if state == "ended":
        end(campaign, START + timedelta(hours=1))
    with pytest.raises(CampaignStateError):
        edit(campaign, terms="All different.")


@pytest.mark.django_db(transaction=True)
def test_an_approval_of_content_that_was_changed_behind_our_back_is_void() -> None:
    campaign = make_draft()
    approval_id = submit(campaign)
    Campaign.objects.filter(pk=campaign.pk).update(content_hash="0" * 64)
    with pytest.raises(ApprovalVoidError):
        approve(approval_id=approval_id, user=make_approver(), reason="Fine.", now=NOW)
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.IN_REVIEW
    assert Approval.objects.get().state == ApprovalState.VOID


def test_one_who_submitted_can_withdraw_and_submit_again() -> None:
    campaign, person = make_draft(), make_user()
    submit_campaign(campaign_id=campaign.pk, acting_user=person, reason="For it.", now=NOW)
    with pytest.raises(NotTheRequesterError):
        withdraw_campaign(
            campaign_id=campaign.pk, acting_user=make_user(), reason="Not mine.", now=NOW
        )
    back = withdraw_campaign(campaign_id=campaign.pk, acting_user=person, reason="Typo.", now=NOW)
    assert (back.state, back.content_hash) == (CampaignState.DRAFT, "")
    assert Approval.objects.get().state == ApprovalState.CANCELLED
    submit(back)


def test_a_rejected_campaign_can_be_taken_back_to_draft() -> None:
    campaign = make_draft()
    approval_id = submit(campaign)
    reject(approval_id=approval_id, user=make_approver(), reason="Too generous.", now=NOW)
    back = withdraw_campaign(
        campaign_id=campaign.pk, acting_user=make_user(), reason="Rework.", now=NOW
    )
    assert back.state == CampaignState.DRAFT


@pytest.mark.parametrize("now", [START - timedelta(seconds=1), END])
def test_a_campaign_goes_live_only_within_its_approved_window(now: datetime) -> None:
    campaign = make_approved()
    with pytest.raises(CampaignWindowError):
        live(campaign, now)
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.APPROVED


def test_a_draft_cannot_go_live_or_end() -> None:
    campaign = make_draft()
    with pytest.raises(CampaignStateError):
        live(campaign)
    with pytest.raises(CampaignStateError):
        end(campaign, START)


@pytest.mark.parametrize(
    ("mode", "live_from"),
    [("scheduled", START), ("manual", START + timedelta(hours=3))],
)
def test_a_scheduled_campaign_counts_from_its_start_and_a_manual_one_from_the_button(
    mode: str, live_from: datetime
) -> None:
    campaign = make_approved(start_mode=mode)
    assert live(campaign, START + timedelta(hours=3)).live_from == live_from


def test_a_campaign_approved_late_counts_from_its_approval() -> None:
    late = START + timedelta(hours=2)
    campaign = make_approved(approved_at=late)
    assert live(campaign, START + timedelta(hours=3)).live_from == late


def test_a_campaign_is_not_approved_after_its_end() -> None:
    approval_id = submit(make_draft())
    with pytest.raises(CampaignWindowError):
        approve(approval_id=approval_id, user=make_approver(), reason="Late.", now=END)
    with pytest.raises(CampaignWindowError):
        submit(make_draft(), now=END)


def test_the_kill_switch_needs_a_reason() -> None:
    campaign = make_approved()
    live(campaign)
    with pytest.raises(ReasonRequiredError):
        end_campaign(campaign_id=campaign.pk, acting_user=make_user(), reason="  ", now=START)
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.LIVE


def test_the_schedule_starts_and_ends_campaigns_once() -> None:
    scheduled = make_approved()
    by_hand = make_approved(start_mode="manual")
    draft = make_draft()
    assert advance_campaigns(START - timedelta(seconds=1)).started == ()
    assert advance_campaigns(START).started == (scheduled.pk,)
    assert advance_campaigns(START).started == ()
    report = advance_campaigns(END)
    assert (report.started, report.ended) == ((), (scheduled.pk, by_hand.pk))
    assert advance_campaigns(END) == type(report)((), ())
    scheduled.refresh_from_db()
    by_hand.refresh_from_db()
    draft.refresh_from_db()
    assert (scheduled.state, scheduled.ended_at) == (CampaignState.ENDED, END)
    assert (by_hand.state, by_hand.live_from) == (CampaignState.ENDED, None)
    assert draft.state == CampaignState.DRAFT


def test_a_window_that_passed_unseen_still_counts() -> None:
    campaign = make_approved()
    report = advance_campaigns(END + timedelta(hours=1))
    assert (report.started, report.ended) == ((campaign.pk,), (campaign.pk,))
    campaign.refresh_from_db()
    assert (campaign.live_from, campaign.ended_at) == (START, END)


@pytest.mark.django_db(transaction=True)
def test_the_schedule_and_the_button_at_once_put_it_live_once() -> None:
    campaign = make_approved()
    outcomes = race([lambda: live(campaign), lambda: advance_campaigns(START)])
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.LIVE
    assert campaign.history.filter(state="live").count() == 1
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert all(isinstance(refusal, CampaignStateError) for refusal in refusals)


@pytest.mark.parametrize(
    "change",
    [
        {"ends_at": START},
        {"ends_at": START - timedelta(days=1)},
        {"starts_at": START.replace(tzinfo=None)},
        {"multiplier": Decimal(0)},
        {"multiplier": Decimal(-2)},
        {"multiplier": Decimal("NaN")},
        {"multiplier": Decimal("Infinity")},
        {"multiplier": Decimal("2.00001")},
        {"multiplier": Decimal(10_000)},
        {"code": " "},
        {"code": "x" * 129},
        {"name": "x" * 121},
        {"terms": ""},
        {"terms": "a\x00b"},
        {"terms_version": ""},
        {"start_mode": "whenever"},
    ],
    ids=lambda change: f"{change!s:.50}",
)
def test_content_that_makes_no_sense_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(CampaignContentError):
        make_draft(**change)
    assert not Campaign.objects.exists()


def test_a_code_is_used_once_per_provider() -> None:
    provider = make_provider()
    make_draft(provider)
    with pytest.raises(CampaignCodeTakenError):
        make_draft(provider)
    make_draft(make_provider())


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"ends_at": START}, "promotions_campaign_ends_after_it_starts"),
        ({"multiplier": 0}, "promotions_campaign_multiplier_positive"),
        ({"start_mode": "x"}, "promotions_campaign_start_mode_is_known"),
    ],
)
def test_the_database_refuses_content_that_cannot_be(
    change: dict[str, Any], constraint: str
) -> None:
    campaign = make_draft()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).update(**change)


def test_the_database_refuses_the_submitter_as_second_person() -> None:
    campaign = make_draft()
    approval_id = submit(campaign)
    campaign.refresh_from_db()
    with (
        pytest.raises(IntegrityError, match="promotions_campaign_approved_by_a_second_person"),
        transaction.atomic(),
    ):
        Campaign.objects.filter(pk=campaign.pk).update(
            state="approved",
            approval=approval_id,
            approved_by=campaign.submitted_by,
            approved_at=NOW,
        )


@pytest.mark.parametrize("maker", [make_approved, make_draft])
def test_the_database_freezes_content_and_states(maker: Any) -> None:
    campaign = maker()
    if campaign.state == CampaignState.DRAFT:
        submit(campaign)
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).update(multiplier=5)
    with pytest.raises(DatabaseError, match="Cannot delete"), transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).delete()


def test_the_database_refuses_to_bring_an_ended_campaign_back() -> None:
    campaign = make_approved()
    live(campaign)
    end(campaign, START + timedelta(hours=1))
    with pytest.raises(DatabaseError), transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).update(state="live", ended_at=None)


def test_the_database_refuses_a_draft_that_jumps_to_live() -> None:
    campaign = make_draft()
    with pytest.raises(DatabaseError), transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).update(state="live", live_from=NOW)
