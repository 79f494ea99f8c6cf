"""Players over the API: mirrored, never rewritten, and told what stands between them and cash."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from apps.core.models import AuditEntry
from apps.disputes.contracts import Complaint
from apps.disputes.services.cases import open_case
from apps.play.models import GameSession
from apps.players.models import Exclusion, Limit, Player
from apps.players.services import end_exclusion, lift_ended_exclusions
from apps.rounds.models import Round
from apps.wallet.models import Account
from apps.wallet.selectors import balances
from tests.bonuses.makers import make_grant, make_rule
from tests.factories import make_user
from tests.gateway.builders import open_casino, open_player
from tests.operator_api.builders import NOW, Api, make_api, make_casino

pytestmark = pytest.mark.django_db

NEW = {"currency": "EUR", "jurisdiction": "MT", "kyc_status": "verified"}


@pytest.fixture
def api() -> Api:
    return make_api()


def _put(api: Api, **changes: Any) -> tuple[int, Any]:
    return api.put("players/p-1001", {**NEW, **changes})


def test_a_new_player_gets_accounts_and_the_same_again_changes_nothing(api: Api) -> None:
    status, answer = _put(api, date_of_birth="1990-05-17")
    assert (status, answer["may_play"], answer["status"]) == (201, True, "active")
    assert _put(api, date_of_birth="1990-05-17") == (200, answer)
    player = Player.objects.get()
    assert str(player.date_of_birth) == "1990-05-17"
    assert player.history.count() <= 2
    assert Account.objects.filter(player=player).count() == 4
    assert api.get("players/p-1001/balance")[1]["playable"] == "0.00"
    assert api.pay("k-1")[0] == 201


@pytest.mark.parametrize("currency", ["AAA", "XXX", "XAU"])
def test_a_currency_that_there_is_not_makes_no_player(api: Api, currency: str) -> None:
    status, problem = _put(api, currency=currency)
    assert (status, problem["code"]) == (400, "unknown_currency")
    assert not Player.objects.exists()


def test_nobody_is_put_where_only_rehearsals_are(api: Api) -> None:
    status, problem = _put(api, jurisdiction="ZZ")
    assert (status, problem["code"]) == (409, "rehearsal_place")
    assert not Player.objects.exists()


def test_standing_and_kyc_follow_and_the_currency_never_does(api: Api) -> None:
    _put(api)
    status, answer = _put(api, kyc_status="rejected", status="blocked")
    assert (status, answer["kyc_status"], answer["may_play"]) == (200, "rejected", False)
    status, problem = _put(api, currency="AUD")
    assert (status, problem["code"]) == (409, "player_mismatch")
    assert Player.objects.get().kyc_status == "rejected"


def test_what_is_mirrored_is_in_the_chain_once_and_without_the_date_of_birth(api: Api) -> None:
    _put(api, date_of_birth="1990-05-17")
    _put(api, date_of_birth="1990-05-18", kyc_status="rejected")
    for _ in range(2):
        _put(api, date_of_birth="1990-05-18", kyc_status="rejected", jurisdiction="GB")
    mirrored = AuditEntry.objects.filter(action="players.player.mirrored").order_by("pk")
    assert [entry.details for entry in mirrored] == [
        {"changed": ["date_of_birth"]},
        {"changed": ["date_of_birth", "kyc_status"], "kyc_status": "rejected"},
        {"changed": ["jurisdiction"], "jurisdiction": "GB"},
    ]
    assert all("Casino backend" in entry.reason for entry in mirrored)
    assert "1990" not in str(list(AuditEntry.objects.values_list("details", "reason")))


def test_who_may_not_play_any_more_has_no_session_left(api: Api) -> None:
    make_casino()
    api.open()
    _put(api, status="blocked")
    session = GameSession.objects.get()
    assert (session.end_code, session.ended_at) == ("protection", NOW)


def test_a_limit_holds_at_once_and_its_raise_waits_however_often_it_is_said(api: Api) -> None:
    lower = [{"kind": "deposit_24h", "amount": "50.00"}, {"kind": "time_24h", "minutes": 60}]
    for _ in range(2):
        assert _put(api, limits=lower)[0] in {200, 201}
    assert Limit.objects.count() == 2
    status, problem = api.pay("k-1", amount="50.01")
    assert (status, problem["errors"][0]["code"]) == (409, "deposit_limit")
    higher = [{"kind": "deposit_24h", "amount": "80.00"}]
    _put(api, limits=higher)
    waiting = Limit.objects.get(amount_minor=8_000)
    with time_machine.travel(NOW + timedelta(hours=5), tick=False):
        _put(api, limits=higher)
    # Said again, the raise doesn't start to wait anew.
    assert Limit.objects.get(amount_minor=8_000, cancelled_at__isnull=True) == waiting
    assert waiting.effective_from > NOW


def test_a_limit_is_removed_after_its_delay_however_often_it_is_said(api: Api) -> None:
    _put(api, limits=[{"kind": "loss_7d", "amount": "50.00"}])
    none = [{"kind": "loss_7d", "amount": None}]
    _put(api, limits=none)
    ends_at = Limit.objects.get().effective_until
    assert ends_at is not None
    with time_machine.travel(NOW + timedelta(hours=5), tick=False):
        _put(api, limits=none)
    assert Limit.objects.get().effective_until == ends_at
    assert _put(api, limits=[{"kind": "wager_24h"}])[0] == 200


def test_two_words_on_one_limit_are_refused_and_set_neither(api: Api) -> None:
    both = [{"kind": "deposit_24h", "amount": amount} for amount in ("50.00", "80.00")]
    status, problem = _put(api, limits=both)
    assert (status, problem["errors"][0]["field"]) == (400, "limits")
    assert problem["errors"][0]["code"] == "repeated"
    assert not Player.objects.exists()


def test_an_exclusion_holds_once_and_is_never_shortened(api: Api) -> None:
    make_casino()
    api.open()
    longer = {"kind": "time_out", "ends_at": "2026-12-01T00:00:00Z"}
    for _ in range(2):
        status, answer = _put(api, exclusion=longer)
        assert (status, answer["may_play"]) == (200, False)
    assert Exclusion.objects.count() == 1
    assert GameSession.objects.get().end_code == "protection"
    _put(api, exclusion={"kind": "time_out", "ends_at": "2026-11-25T00:00:00Z"})
    _put(api, exclusion=None)
    assert Exclusion.objects.count() == 1
    _put(api, exclusion={"kind": "self_exclusion"})
    status, problem = _put(api, status="active")
    assert (status, problem["code"]) == (409, "protected_standing")
    assert api.open()[0] == 403


def test_one_refused_part_leaves_the_whole_player_as_it_was(api: Api) -> None:
    _put(api)
    status, problem = _put(
        api,
        kyc_status="pending",
        limits=[{"kind": "deposit_24h", "amount": "5.00"}],
        exclusion={"kind": "time_out", "ends_at": "2026-11-22T10:15:30Z"},
    )
    assert (status, problem["code"]) == (409, "exclusion_period")
    assert Player.objects.get().kyc_status == "verified"
    assert not Limit.objects.exists()


def test_a_player_who_owes_nothing_may_withdraw_all_cash(api: Api) -> None:
    make_casino()
    assert api.get("players/p-1001/withdrawal-eligibility") == (
        200,
        {
            "player_id": "p-1001",
            "eligible": True,
            "withdrawable": "100.00",
            "currency": "EUR",
            "reasons": [],
        },
    )


def test_everything_about_a_withdrawal_is_said_at_once(api: Api) -> None:
    make_casino()
    Player.objects.update(kyc_status="pending")
    _put(
        api,
        kyc_status="pending",
        limits=[{"kind": "deposit_24h", "amount": "0.00"}],
        exclusion={"kind": "time_out", "ends_at": "2026-12-01T00:00:00Z"},
    )
    _, answer = api.get("players/p-1001/withdrawal-eligibility")
    assert not answer["eligible"]
    assert [(r["code"], r["blocks"]) for r in answer["reasons"]] == [
        ("kyc_not_verified", True),
        ("time_out", False),
        ("deposit_24h_used_up", False),
    ]
    assert all(r["text"] and r["resolve_at"] for r in answer["reasons"])
    assert [r["value"] for r in answer["reasons"]] == [
        "pending",
        "until 2026-12-01T00:00:00Z",
        "0.00 EUR",
    ]


def test_a_reason_against_a_withdrawal_says_how_long_and_how_much_with_its_unit(api: Api) -> None:
    make_casino()
    ends_at = NOW + timedelta(days=200)
    exclusion = {"kind": "self_exclusion", "ends_at": ends_at.isoformat()}
    _put(api, limits=[{"kind": "time_24h", "minutes": 0}], exclusion=exclusion)

    def values() -> list[str]:
        reasons = api.get("players/p-1001/withdrawal-eligibility")[1]["reasons"]
        return [reason["value"] for reason in reasons]

    assert values() == ["until it is ended, not before 2027-06-10T10:15:30Z", "0 min"]
    asked: dict[str, Any] = {"source": "player", "asked_by": "p-1001", "reason": "It is over."}
    end_exclusion(Exclusion.objects.get().pk, **asked, now=ends_at)
    # A day of cooling-off: it holds past the end that it was given.
    assert values() == ["until 2027-06-11T10:15:30Z", "0 min"]


def test_a_player_without_bonuses_has_an_empty_list(api: Api) -> None:
    make_casino()
    assert api.get("players/p-1001/bonuses") == (200, {"player_id": "p-1001", "bonuses": []})


def test_a_bonus_shows_its_progress_and_keeps_no_cash_back(api: Api) -> None:
    make_rule(currency="EUR")
    player = make_casino()
    make_grant(player)
    _, answer = api.get("players/p-1001/bonuses")
    [bonus] = answer["bonuses"]
    assert (bonus["required"], bonus["done"], bonus["percent_done"]) == ("12000.00", "0.00", "0.00")
    assert bonus["remaining"] == "12000.00"
    assert bonus["requirement"].endswith("= 12,000.00 EUR of turnover")
    _, answer = api.get("players/p-1001/withdrawal-eligibility")
    reasons = {reason["code"]: reason for reason in answer["reasons"]}
    assert (reasons["wagering_left"]["value"], answer["eligible"]) == ("12000.00 EUR", True)
    assert (reasons["wagering_left"]["blocks"], answer["withdrawable"]) == (False, "100.00")
    assert reasons["bonus_funds"]["value"] == "200.00 EUR"
    # All cash goes out, the bonus stays as it is, and bonus funds are never paid out.
    assert api.pay("k-1", kind="withdrawal", amount="100.00")[0] == 201
    status, problem = api.pay("k-2", kind="withdrawal", amount="0.01")
    assert (status, problem["code"]) == (409, "insufficient_funds")
    assert balances(player.pk) | {"cash": 0, "bonus": 20_000} == balances(player.pk)
    assert api.get("players/p-1001/bonuses")[1]["bonuses"] == [bonus]


def test_held_stakes_open_rounds_and_disputes_explain_and_do_not_block(api: Api) -> None:
    casino = open_casino()
    casino.player = open_player("p-70001", cash_minor=10_000)
    casino.book["p-70001"] = 10_000
    casino.send(casino.tentative("au-1", "r-1", bet_amount="10.00", win_amount="4.00"))
    agent = make_user(permissions=("disputes.open_case",))
    complaint = Complaint(
        player_ref="p-70001",
        provider_code="aurora",
        event_id="au-1",
        case_type="settlement",
        claim="It froze.",
        received_at=NOW,
    )
    case = open_case(complaint, acting_user=agent, now=NOW)
    _, answer = api.get("players/p-70001/withdrawal-eligibility")
    assert (answer["eligible"], answer["withdrawable"]) == (True, "90.00")
    assert {r["code"]: r["value"] for r in answer["reasons"]} == {
        "held_stakes": "10.00 AUD",
        "pending_wins": "4.00 AUD",
        "open_rounds": "1",
        "open_dispute": case.number,
    }
    assert not any(reason["blocks"] for reason in answer["reasons"])


@pytest.mark.parametrize("status", ["self_excluded", "closed"])
def test_a_standing_that_has_rules_of_its_own_is_not_set_by_name(api: Api, status: str) -> None:
    _put(api)
    assert _put(api, status=status)[0] == 400
    assert Player.objects.get().status == "active"


@pytest.mark.parametrize("standing", ["blocked", "self_excluded", "closed"])
def test_what_staff_did_to_a_player_is_not_undone_over_the_api(api: Api, standing: str) -> None:
    _put(api)
    _stand(standing)
    for status in {"active", "blocked"} - {standing}:
        code, problem = _put(api, status=status, kyc_status="pending")
        assert (code, problem["code"]) == (409, "protected_standing")
    player = Player.objects.get()
    assert (player.status, player.kyc_status) == (standing, "verified")
    # What says nothing of the standing still arrives.
    assert _put(api, kyc_status="pending")[0] == 200


def _stand(status: str) -> None:
    player = Player.objects.get()
    player.status = status
    player._change_reason = "Fraud suspected."  # type: ignore[attr-defined]  # simple-history's
    player.save()


def test_a_block_from_outside_is_lifted_from_outside_and_one_by_staff_after_it_is_not(
    api: Api,
) -> None:
    _put(api)
    _put(api, status="blocked")
    _put(api, status="blocked", kyc_status="pending")
    assert _put(api, status="active")[1]["status"] == "active"
    _stand("blocked")
    # Saying it once more doesn't make it theirs.
    _put(api, status="blocked", kyc_status="rejected")
    assert _put(api, status="active")[0] == 409


def test_a_new_self_exclusion_counts_while_the_old_one_cools_off(api: Api) -> None:
    wish = {"kind": "self_exclusion"}
    _put(api, exclusion=wish)
    first = Exclusion.objects.get()
    later = NOW + timedelta(days=2)
    asked: dict[str, Any] = {"source": "player", "asked_by": "p-1001", "reason": "Wants back."}
    end_exclusion(first.pk, now=later, **asked)
    with time_machine.travel(later, tick=False):
        for _ in range(2):
            assert _put(api, exclusion=wish)[0] == 200
    assert Exclusion.objects.count() == 2
    lift_ended_exclusions(later + timedelta(days=8))
    assert Player.objects.get().status == "self_excluded"


def test_a_round_that_is_stuck_is_open_as_well(api: Api) -> None:
    casino = open_casino()
    casino.player = open_player("p-70001", cash_minor=10_000)
    casino.book["p-70001"] = 10_000
    casino.send(casino.tentative("au-1", "r-1", bet_amount="10.00", win_amount="4.00"))
    Round.objects.update(state="stuck")
    _, answer = api.get("players/p-70001/withdrawal-eligibility")
    assert "open_rounds" in {reason["code"] for reason in answer["reasons"]}
