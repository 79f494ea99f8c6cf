from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from apps.bonuses.enums import GrantState
from apps.bonuses.errors import (
    ActiveGrantExistsError,
    DepositTooLargeError,
    DepositTooSmallError,
    GrantClosedError,
    GrantKeyConflictError,
    IdentityNotVerifiedError,
    PlayerNotEligibleError,
    RequirementTooHighError,
    RuleNotActiveError,
    WrongCurrencyError,
    WrongJurisdictionError,
)
from apps.bonuses.models import Grant
from apps.bonuses.selectors import describe_requirement, grant_progress, grants_out_of_step
from apps.bonuses.services.grants import (
    expire_grants,
    grant_bonus,
    request_forfeiture,
)
from apps.core.errors import DomainError
from apps.staff.errors import SelfApprovalError
from apps.staff.services import approve
from apps.wallet.models import Transfer
from tests.bonuses.makers import (
    NOW,
    bonus_pot,
    make_approver,
    make_draft,
    make_grant,
    make_player,
    make_rule,
)
from tests.factories import make_user
from tests.races import race

pytestmark = pytest.mark.django_db


def test_a_hundred_at_two_hundred_percent_moves_two_hundred_and_requires_twelve_thousand() -> None:
    make_rule()
    player = make_player()
    grant = make_grant(player)
    assert (grant.deposit_minor, grant.bonus_minor) == (10_000, 20_000)
    assert (grant.required_minor, grant.remaining_minor) == (1_200_000, 1_200_000)
    assert describe_requirement(grant) == (
        "40 \N{MULTIPLICATION SIGN} (100.00 + 200.00) = 12,000.00 AUD of turnover"
    )
    assert grant.expires_at == NOW + timedelta(days=30)
    transfer = Transfer.objects.get(kind="bonus_grant")
    assert (transfer.amount_minor, transfer.debit_account.house) == (20_000, "bonus_cost")
    assert transfer.credit_account.player_id == player.pk
    assert bonus_pot(player) == 20_000


def test_the_same_key_gives_the_first_grant_again_and_moves_nothing() -> None:
    make_rule()
    player = make_player()
    first = make_grant(player, key="deposit-1")
    again = make_grant(player, key="deposit-1")
    assert again.pk == first.pk
    assert bonus_pot(player) == 20_000
    assert Transfer.objects.filter(kind="bonus_grant").count() == 1


def test_the_same_key_still_gives_the_first_grant_after_the_rule_got_a_new_version() -> None:
    make_rule()
    player = make_player()
    first = make_grant(player, key="deposit-1")
    make_rule(percent_bp=5_000)
    assert make_grant(player, key="deposit-1").pk == first.pk


def test_the_same_key_with_another_deposit_or_player_is_a_conflict() -> None:
    make_rule()
    player = make_player()
    make_grant(player, key="deposit-1")
    with pytest.raises(GrantKeyConflictError):
        make_grant(player, key="deposit-1", deposit_minor=10_001)
    with pytest.raises(GrantKeyConflictError):
        make_grant(make_player(), key="deposit-1")
    assert Grant.objects.count() == 1


@pytest.mark.parametrize(
    ("player_fields", "terms", "refusal"),
    [
        ({"status": "blocked"}, {}, PlayerNotEligibleError),
        ({"status": "self_excluded"}, {}, PlayerNotEligibleError),
        ({"status": "closed"}, {}, PlayerNotEligibleError),
        ({"kyc_status": "pending"}, {}, IdentityNotVerifiedError),
        ({"kyc_status": "rejected"}, {}, IdentityNotVerifiedError),
        ({"currency": "EUR"}, {}, WrongCurrencyError),
        ({}, {"jurisdiction": "AU-NT"}, WrongJurisdictionError),
        ({"jurisdiction": "GB"}, {}, RequirementTooHighError),
        ({"jurisdiction": "GB-NIR"}, {}, RequirementTooHighError),
    ],
)
def test_a_player_the_rule_is_not_for_gets_nothing(
    player_fields: dict[str, Any], terms: dict[str, Any], refusal: type[DomainError]
) -> None:
    make_rule(**terms)
    player = make_player(**player_fields)
    with pytest.raises(refusal):
        make_grant(player)
    assert not Grant.objects.exists()
    assert not Transfer.objects.exists()


def test_a_rule_that_does_not_ask_for_identity_takes_a_pending_player() -> None:
    make_rule(requires_verified_kyc=False)
    assert make_grant(make_player(kyc_status="pending")).state == GrantState.ACTIVE


def test_ten_times_the_bonus_is_allowed_in_great_britain() -> None:
    make_rule(basis="bonus", requirement_multiple=Decimal(10))
    grant = make_grant(make_player(jurisdiction="GB"))
    assert grant.required_minor == 10 * grant.bonus_minor


def test_a_draft_rule_gives_no_bonus() -> None:
    make_draft()
    with pytest.raises(RuleNotActiveError):
        make_grant(make_player())


@pytest.mark.parametrize("deposit_minor", [0, -1, 1])
def test_a_deposit_too_small_for_a_bonus_is_refused(deposit_minor: int) -> None:
    make_rule(percent_bp=5_000)
    with pytest.raises(DepositTooSmallError):
        make_grant(make_player(), deposit_minor=deposit_minor)


def test_a_deposit_beyond_any_ledger_is_refused() -> None:
    make_rule()
    with pytest.raises(DepositTooLargeError):
        make_grant(make_player(), deposit_minor=10**17)
    assert not Grant.objects.exists()


def test_a_second_bonus_is_refused_while_one_is_active() -> None:
    make_rule()
    player = make_player()
    make_grant(player)
    with pytest.raises(ActiveGrantExistsError):
        make_grant(player)
    assert Grant.objects.count() == 1
    assert bonus_pot(player) == 20_000


def test_the_progress_of_a_grant_is_whole_only_when_nothing_remains() -> None:
    make_rule()
    grant = make_grant(make_player())
    grant.remaining_minor = 1
    assert grant_progress(grant).done_bp == 9_999
    grant.remaining_minor = 0
    assert grant_progress(grant).done_bp == 10_000


def test_a_grant_expires_at_its_moment_and_not_before() -> None:
    make_rule()
    player = make_player()
    grant = make_grant(player)
    assert expire_grants(grant.expires_at - timedelta(microseconds=1)).expired == 0
    assert bonus_pot(player) == 20_000

    report = expire_grants(grant.expires_at)
    assert (report.expired, report.forfeited) == (1, (("AUD", 20_000),))
    grant.refresh_from_db()
    assert (grant.state, grant.closed_at) == (GrantState.EXPIRED, grant.expires_at)
    assert bonus_pot(player) == 0
    transfer = Transfer.objects.get(kind="bonus_forfeit")
    assert (transfer.amount_minor, transfer.credit_account.house) == (20_000, "bonus_cost")


def test_expiring_again_does_nothing_and_a_new_bonus_is_possible() -> None:
    make_rule()
    player = make_player()
    grant = make_grant(player)
    expire_grants(grant.expires_at)
    assert expire_grants(grant.expires_at).expired == 0
    assert Transfer.objects.filter(kind="bonus_forfeit").count() == 1
    make_grant(player)
    assert bonus_pot(player) == 20_000


def test_a_forfeiture_needs_a_second_person() -> None:
    make_rule()
    player = make_player()
    grant = make_grant(player)
    agent = make_approver()
    approval_id = request_forfeiture(
        grant_id=grant.pk, acting_user=agent, reason="Opened two accounts.", now=NOW
    )
    with pytest.raises(SelfApprovalError):
        approve(approval_id=approval_id, user=agent, reason="Fine.", now=NOW)
    grant.refresh_from_db()
    assert (grant.state, bonus_pot(player)) == (GrantState.ACTIVE, 20_000)

    approve(approval_id=approval_id, user=make_approver(), reason="Confirmed.", now=NOW)
    grant.refresh_from_db()
    assert (grant.state, grant.forfeit_approval_id) == (GrantState.FORFEITED, approval_id)
    assert bonus_pot(player) == 0


def test_a_grant_that_closed_meanwhile_is_not_forfeited() -> None:
    make_rule()
    grant = make_grant(make_player())
    approval_id = request_forfeiture(
        grant_id=grant.pk, acting_user=make_user(), reason="Opened two accounts.", now=NOW
    )
    expire_grants(grant.expires_at)
    with pytest.raises(GrantClosedError):
        approve(approval_id=approval_id, user=make_approver(), reason="Fine.", now=NOW)
    with pytest.raises(GrantClosedError):
        request_forfeiture(grant_id=grant.pk, acting_user=make_user(), reason="Again.", now=NOW)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"remaining_minor": -1}, "bonuses_grant_"),
        ({"remaining_minor": 1_200_001}, "bonuses_grant_remaining_within_requirement"),
        (
            {"state": "completed", "closed_at": NOW},
            "bonuses_grant_completed_when_nothing_remains",
        ),
        ({"remaining_minor": 0}, "bonuses_grant_completed_when_nothing_remains"),
        ({"state": "forfeited", "closed_at": NOW}, "bonuses_grant_forfeited_only_by_two_people"),
        ({"state": "expired"}, "bonuses_grant_closed_has_a_time"),
        ({"state": "lost", "closed_at": NOW}, "bonuses_grant_state_is_known"),
    ],
)
def test_the_database_refuses_a_grant_that_cannot_be(
    change: dict[str, Any], constraint: str
) -> None:
    make_rule()
    grant = make_grant(make_player())
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Grant.objects.filter(pk=grant.pk).update(**change)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"idempotency_key": "another"}, "bonuses_grant_one_active_per_player"),
        ({"state": "expired", "closed_at": NOW}, "idempotency_key"),
        (
            {"idempotency_key": "another", "expires_at": NOW},
            "bonuses_grant_expires_after_it_starts",
        ),
        ({"idempotency_key": "another", "bonus_minor": 0}, "bonuses_grant_amounts_positive"),
    ],
)
def test_the_database_refuses_a_second_grant_that_cannot_be(
    change: dict[str, Any], constraint: str
) -> None:
    make_rule()
    grant = make_grant(make_player())
    grant.pk = None
    for field, value in change.items():
        setattr(grant, field, value)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        grant.save(force_insert=True)


@pytest.mark.parametrize(
    "change", [{"required_minor": 2_000_000}, {"bonus_minor": 1}, {"expires_at": NOW}]
)
def test_the_database_refuses_to_change_the_terms_of_a_grant(change: dict[str, Any]) -> None:
    make_rule()
    grant = make_grant(make_player())
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        Grant.objects.filter(pk=grant.pk).update(**change)


def test_the_database_refuses_to_reopen_a_closed_grant_or_delete_one() -> None:
    make_rule()
    grant = make_grant(make_player())
    expire_grants(grant.expires_at)
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        Grant.objects.filter(pk=grant.pk).update(state="active", closed_at=None)
    with pytest.raises(DatabaseError, match="Cannot delete"), transaction.atomic():
        Grant.objects.filter(pk=grant.pk).delete()


def test_grants_are_in_step_with_their_receipts() -> None:
    make_rule()
    grant = make_grant(make_player())
    assert list(grants_out_of_step()) == []
    Grant.objects.filter(pk=grant.pk).update(remaining_minor=1_199_999)
    assert list(grants_out_of_step()) == [(grant.pk, 1, 0)]


def _granting(player_id: int, key: str) -> Callable[[], Grant]:
    return lambda: grant_bonus(
        player_id=player_id,
        rule_code="welcome-200",
        deposit_minor=10_000,
        acting_user=None,
        idempotency_key=key,
        now=NOW,
    )


@pytest.mark.django_db(transaction=True)
def test_two_grants_at_once_with_one_key_give_one_grant() -> None:
    make_rule()
    player = make_player()
    outcomes = race([_granting(player.pk, "deposit-1")] * 4)
    assert {outcome.pk for outcome in outcomes if isinstance(outcome, Grant)} == {
        Grant.objects.get().pk
    }
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert bonus_pot(player) == 20_000


@pytest.mark.django_db(transaction=True)
def test_two_grants_at_once_with_two_keys_leave_one_active() -> None:
    make_rule()
    player = make_player()
    outcomes = race([_granting(player.pk, f"deposit-{number}") for number in range(4)])
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert [type(refusal) for refusal in refusals] == [ActiveGrantExistsError] * 3
    assert Grant.objects.get().state == GrantState.ACTIVE
    assert bonus_pot(player) == 20_000


@pytest.mark.django_db(transaction=True)
def test_grants_at_once_to_different_players_all_succeed() -> None:
    """The control of the two races above: nothing but the shared key or player refuses."""
    make_rule()
    players = [make_player() for _ in range(4)]
    outcomes = race([_granting(player.pk, f"deposit-{player.pk}") for player in players])
    assert all(isinstance(outcome, Grant) for outcome in outcomes)
    assert [bonus_pot(player) for player in players] == [20_000] * 4


@pytest.mark.django_db(transaction=True)
def test_one_key_at_once_for_two_players_is_one_grant_and_one_conflict() -> None:
    make_rule()
    players = [make_player(), make_player()]
    outcomes = race([_granting(player.pk, "deposit-1") for player in players])
    kinds = sorted(type(outcome).__name__ for outcome in outcomes)
    assert kinds == ["Grant", "GrantKeyConflictError"]
    assert sum(bonus_pot(player) for player in players) == 20_000


@pytest.mark.django_db(transaction=True)
def test_expiring_at_once_returns_the_bonus_once() -> None:
    make_rule()
    player = make_player()
    grant = make_grant(player)
    race([lambda: expire_grants(grant.expires_at)] * 3)
    assert Transfer.objects.filter(kind="bonus_forfeit").count() == 1
    assert bonus_pot(player) == 0
