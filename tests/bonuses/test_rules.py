from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, transaction

from apps.bonuses.contracts import WeightTable
from apps.bonuses.enums import RuleState
from apps.bonuses.errors import RequirementTooHighError, RuleNotDraftError, RuleTermsError
from apps.bonuses.models import BonusRule, GameWeight, Grant
from apps.bonuses.selectors import active_rule
from apps.bonuses.services.rules import (
    create_rule,
    new_version,
    request_activation,
    retire_rule,
)
from apps.core.errors import DomainError, UnknownCurrencyError
from apps.staff.enums import ApprovalState
from apps.staff.errors import ApprovalVoidError, SelfApprovalError
from apps.staff.models import Approval
from apps.staff.services import approve
from tests.bonuses.makers import (
    NOW,
    WEIGHTS,
    WELCOME,
    activate,
    make_approver,
    make_draft,
    make_grant,
    make_player,
    make_rule,
)
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def test_a_rule_becomes_active_through_two_people_and_replaces_the_version_before() -> None:
    first = make_rule()
    assert (first.version, first.state) == (1, RuleState.ACTIVE)
    second = make_rule(percent_bp=10_000)
    first.refresh_from_db()
    assert (first.state, second.state, second.version) == ("retired", "active", 2)
    assert active_rule("welcome-200") == second


def test_who_wrote_a_rule_cannot_approve_it_even_if_somebody_else_asked() -> None:
    author = make_approver()
    rule = create_rule(WELCOME, WEIGHTS, acting_user=author, now=NOW)
    approval_id = request_activation(
        rule_id=rule.pk, acting_user=make_user(), reason="Autumn offer.", now=NOW
    )
    with pytest.raises(SelfApprovalError):
        approve(approval_id=approval_id, user=author, reason="Fine.", now=NOW)
    rule.refresh_from_db()
    assert rule.state == RuleState.DRAFT


@pytest.mark.django_db(transaction=True)
def test_a_draft_changed_after_the_request_is_not_activated() -> None:
    rule = make_draft()
    approval_id = request_activation(
        rule_id=rule.pk, acting_user=make_user(), reason="Autumn offer.", now=NOW
    )
    rule.weights.filter(category="roulette").update(weight_bp=10_000)
    with pytest.raises(ApprovalVoidError):
        approve(approval_id=approval_id, user=make_approver(), reason="Fine.", now=NOW)
    rule.refresh_from_db()
    assert rule.state == RuleState.DRAFT
    assert Approval.objects.get().state == ApprovalState.VOID


def test_a_new_version_copies_terms_and_weights_into_a_draft() -> None:
    rule = make_rule(contribution_cap_minor=100)
    copy = new_version(rule_id=rule.pk, acting_user=make_user(), reason="Spring offer.", now=NOW)
    assert (copy.version, copy.state) == (2, RuleState.DRAFT)
    assert copy.history.get().history_change_reason == "Spring offer."
    assert (copy.contribution_cap_minor, copy.weights.count()) == (100, 4)
    assert active_rule("welcome-200") == rule


def test_a_retired_rule_gives_no_more_grants_and_lets_the_old_ones_be() -> None:
    rule = make_rule()
    grant = make_grant(make_player())
    retire_rule(rule_id=rule.pk, acting_user=make_user(), reason="Over.", now=NOW)
    assert active_rule("welcome-200") is None
    grant.refresh_from_db()
    assert (grant.state, grant.rule_id) == ("active", rule.pk)
    with pytest.raises(RuleNotDraftError):
        request_activation(rule_id=rule.pk, acting_user=make_user(), reason="Back.", now=NOW)


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        ({"currency": "XXX"}, UnknownCurrencyError),
        ({"basis": "winnings"}, RuleTermsError),
        ({"percent_bp": 0}, RuleTermsError),
        ({"percent_bp": -1}, RuleTermsError),
        ({"percent_bp": 1_000_001}, RuleTermsError),
        ({"requirement_multiple": Decimal(10_000)}, RuleTermsError),
        ({"max_bet_minor": 2**63}, RuleTermsError),
        ({"expires_after_days": 3_651}, RuleTermsError),
        ({"code": "Not a slug"}, RuleTermsError),
        ({"code": ""}, RuleTermsError),
        ({"name": " "}, RuleTermsError),
        ({"name": "a\x00b"}, RuleTermsError),
        ({"jurisdiction": "J" * 17}, RuleTermsError),
        ({"requirement_multiple": Decimal(0)}, RuleTermsError),
        ({"requirement_multiple": Decimal("2.505")}, RuleTermsError),
        ({"requirement_multiple": Decimal("NaN")}, RuleTermsError),
        ({"requirement_multiple": Decimal("Infinity")}, RuleTermsError),
        ({"max_bet_minor": 0}, RuleTermsError),
        ({"contribution_cap_minor": -5}, RuleTermsError),
        ({"max_bonus_minor": 0}, RuleTermsError),
        ({"expires_after_days": 0}, RuleTermsError),
    ],
)
def test_terms_that_make_no_sense_are_refused(
    terms: dict[str, Any], refusal: type[DomainError]
) -> None:
    with pytest.raises(refusal):
        make_draft(**terms)
    assert not BonusRule.objects.exists()


@pytest.mark.parametrize("weight_bp", [-1, 10_001])
def test_a_weight_outside_zero_and_full_is_refused(weight_bp: int) -> None:
    with pytest.raises(RuleTermsError):
        make_draft(weights=WeightTable({}, {"slot": weight_bp}))


def test_a_rule_under_which_no_game_counts_cannot_be_activated() -> None:
    rule = make_draft(weights=WeightTable({}, {"slot": 0}))
    with pytest.raises(RuleTermsError, match="No game counts"):
        request_activation(rule_id=rule.pk, acting_user=make_user(), reason="Try.", now=NOW)


@pytest.mark.parametrize(
    ("terms", "is_allowed"),
    [
        ({"basis": "bonus", "requirement_multiple": Decimal(10)}, True),
        ({"basis": "bonus", "requirement_multiple": Decimal("10.01")}, False),
        ({"requirement_multiple": Decimal("6.66")}, True),  # 1.5 times the bonus each
        ({"requirement_multiple": Decimal("6.67")}, False),
        ({"percent_bp": 10_000, "requirement_multiple": Decimal(5)}, True),
        ({"percent_bp": 10_000, "requirement_multiple": Decimal("5.01")}, False),
    ],
)
def test_great_britain_allows_ten_times_the_bonus_and_no_more(
    terms: dict[str, Any],
    is_allowed: bool,
) -> None:
    rule = make_draft(jurisdiction="GB", **terms)
    if is_allowed:
        assert activate(rule).state == RuleState.ACTIVE
        return
    with pytest.raises(RequirementTooHighError, match=r"5\.1\.1"):
        activate(rule)
    assert active_rule("welcome-200") is None


def test_the_database_freezes_the_terms_and_weights_of_an_active_rule() -> None:
    rule = make_rule()
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        BonusRule.objects.filter(pk=rule.pk).update(max_bet_minor=10)
    with pytest.raises(DatabaseError, match="not a draft"), transaction.atomic():
        rule.weights.update(weight_bp=10_000)
    with pytest.raises(DatabaseError, match="not a draft"), transaction.atomic():
        rule.weights.all().delete()
    with pytest.raises(DatabaseError, match="not a draft"), transaction.atomic():
        GameWeight.objects.create(rule=rule, category="baccarat", weight_bp=10_000)
    draft = make_draft()
    with pytest.raises(DatabaseError, match="not a draft"), transaction.atomic():
        draft.weights.update(rule=rule)


def test_the_database_refuses_an_active_rule_without_approval_and_a_way_back() -> None:
    draft = make_draft()
    with (
        pytest.raises(IntegrityError, match="bonuses_rule_active_only_with_approval"),
        transaction.atomic(),
    ):
        BonusRule.objects.filter(pk=draft.pk).update(state="active", activated_at=NOW)
    rule = make_rule()
    with pytest.raises(DatabaseError), transaction.atomic():
        BonusRule.objects.filter(pk=rule.pk).update(state="draft")
    with pytest.raises(DatabaseError, match="Cannot delete"), transaction.atomic():
        BonusRule.objects.filter(pk=draft.pk).delete()


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"category": "slot", "weight_bp": 1}, "bonuses_weight_once_per_rule"),
        (
            {"category": "live", "game_code": "x", "weight_bp": 1},
            "bonuses_weight_for_a_game_or_a_category",
        ),
        ({"weight_bp": 1}, "bonuses_weight_for_a_game_or_a_category"),
        ({"category": "live", "weight_bp": 10_001}, "bonuses_weight_at_most_full"),
    ],
)
def test_the_database_refuses_a_weight_that_cannot_be(
    fields: dict[str, Any], constraint: str
) -> None:
    rule = make_draft()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        GameWeight.objects.create(rule=rule, **fields)


def test_the_command_grants_once_and_says_the_sum(capsys: pytest.CaptureFixture[str]) -> None:
    make_rule()
    player = make_player()
    for _ in range(2):
        call_command(
            "grant_bonus",
            player=player.player_ref,
            rule="welcome-200",
            deposit="100.00",
            key="deposit-1",
        )
        assert "(100.00 + 200.00) = 12,000.00 AUD of turnover" in capsys.readouterr().out
    assert Grant.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"player": "nobody"}, "unknown_player"),
        ({"rule": "nothing"}, "bonus_rule_not_active"),
        ({"deposit": "100.001"}, "invalid_amount"),
        ({"deposit": "1e3"}, "invalid_amount"),
        ({"deposit": "-5"}, "invalid_amount"),
    ],
)
def test_the_command_refuses_in_words(change: dict[str, str], message: str) -> None:
    make_rule()
    options = {
        "player": make_player().player_ref,
        "rule": "welcome-200",
        "deposit": "100.00",
        "key": "deposit-1",
        **change,
    }
    with pytest.raises(CommandError, match=message):
        call_command("grant_bonus", **options)
    assert not Grant.objects.exists()
