"""Money over the API moves once per key, or not at all."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import ProgrammingError

from apps.operator_api.contracts import Answer, KeyedRequest
from apps.operator_api.models import ApiClient, IdempotentRequest
from apps.operator_api.services import answer_once
from apps.players.contracts import ExclusionRequest, LimitRequest
from apps.players.models import Player, ProtectionCheck
from apps.players.services import exclude, set_limit
from apps.providers.models import Provider
from apps.wallet.models import Transfer
from apps.wallet.services.proof import verify_ledger
from tests.gateway.builders import deposit, give_order_key
from tests.operator_api.builders import NOW, Api, cash_of, make_api, make_casino
from tests.races import race

pytestmark = pytest.mark.django_db


@pytest.fixture
def player() -> Player:
    return make_casino(cash_minor=10_000)


@pytest.fixture
def api() -> Api:
    return make_api()


def test_a_deposit_is_cash_and_says_what_the_player_has(player: Player, api: Api) -> None:
    status, answer = api.pay("k-1", reference="bank 77")
    assert status == 201
    assert answer["amount"] == "25.00"
    assert answer["balance"]["playable"] == "125.00"
    assert cash_of(player) == 12_500
    line = Transfer.objects.get(pk=int(answer["transfer_id"]))
    assert (line.kind, line.amount_minor, line.note) == ("deposit", 2_500, "bank 77")
    assert verify_ledger().holds


def test_a_withdrawal_takes_cash_out(player: Player, api: Api) -> None:
    status, answer = api.pay("k-1", kind="withdrawal", amount="99.99")
    assert (status, answer["balance"]["playable"]) == (201, "0.01")
    assert cash_of(player) == 1
    line = Transfer.objects.get(kind="withdrawal")
    assert line.credit_account.house == "withdrawals"
    assert verify_ledger().holds


def test_the_same_request_again_gets_the_first_answer(player: Player, api: Api) -> None:
    first = api.pay("k-1")
    assert api.pay("k-1") == first
    assert api.pay("k-1") == first
    assert cash_of(player) == 12_500
    # Another client has keys of its own.
    assert make_api(name="Other").pay("k-1")[0] == 201
    assert cash_of(player) == 15_000


@pytest.mark.parametrize(
    "changes",
    [{"amount": "25.01"}, {"kind": "withdrawal"}, {"reference": "x"}, {"player_id": "p-x"}],
)
def test_a_key_with_other_content_is_refused(
    player: Player, api: Api, changes: dict[str, str]
) -> None:
    api.pay("k-1")
    status, problem = api.pay("k-1", **changes)
    assert (status, problem["code"]) == (422, "idempotency_key_reused")
    assert cash_of(player) == 12_500


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 129, "\u00e9", "a\tb"])
def test_without_a_usable_key_nothing_moves(player: Player, api: Api, key: str) -> None:
    status, problem = api.pay(key)
    assert (status, problem["code"]) == (400, "idempotency_key_missing")
    assert cash_of(player) == 10_000
    assert not IdempotentRequest.objects.exists()


def test_a_refusal_is_final_for_its_key(player: Player, api: Api) -> None:
    refused = api.pay("k-1", kind="withdrawal", amount="100.01")
    assert (refused[0], refused[1]["code"]) == (409, "insufficient_funds")
    api.pay("k-2")
    assert api.pay("k-1", kind="withdrawal", amount="100.01") == refused
    assert api.pay("k-3", kind="withdrawal", amount="100.01")[0] == 201
    assert cash_of(player) == 2_499


def test_a_request_that_was_wrong_keeps_no_key(player: Player, api: Api) -> None:
    assert api.pay("k-1", amount="1.001")[0] == 400
    assert api.pay("k-1", currency="AUD")[1]["code"] == "wrong_currency"
    assert api.pay("k-1", player_id="p-x")[0] == 404
    assert api.pay("k-1", amount="0.00")[1]["code"] == "invalid_amount"
    assert not IdempotentRequest.objects.exists()
    assert api.pay("k-1")[0] == 201


@pytest.mark.parametrize(
    "amount",
    [
        *("-1.00", "+1.00", "1e3", "1,000.00", " 1.00", "1.00 ", "01.00", "1.", ".5", "NaN", ""),
        *("Infinity", "0x10", "\u0663", "1\x00", "9" * 40, "999999999999999.99999"),
        *(1, 1.5, True, None, [], {}, ["1.00"], {"amount": "1.00"}),
    ],
    ids=repr,
)
def test_an_amount_is_a_plain_decimal_string(player: Player, api: Api, amount: Any) -> None:
    status, problem = api.pay("k-1", amount=amount)
    assert (status, problem["code"]) == (400, "invalid")
    assert problem["errors"][0]["field"] == "amount"
    assert cash_of(player) == 10_000


@pytest.mark.parametrize("kind", ["deposit", "withdrawal"])
def test_an_amount_above_the_largest_is_refused(player: Player, api: Api, kind: str) -> None:
    assert api.pay("k-1", amount="1000000000000.00")[0] == 201
    status, problem = api.pay("k-2", kind=kind, amount="1000000000000.01")
    assert (status, problem["code"]) == (400, "invalid_amount")
    assert "one transfer moves 1000000000000.00 EUR at most" in problem["detail"]
    assert cash_of(player) == 10_000 + 10**14


def test_deposits_beyond_the_largest_balance_are_refused_by_name(player: Player, api: Api) -> None:
    for place in range(9):
        deposit(player, 11 * 10**15, key=f"fill-{place}")
    for place in range(9):
        assert api.pay(f"k-{place}", amount="1000000000000.00")[0] == 201
    before = cash_of(player)
    status, problem = api.pay("k-10", amount="1000000000000.00")
    assert (status, problem["code"]) == (409, "balance_too_large")
    assert cash_of(player) == before == 99 * 10**15 + 9 * 10**14 + 10_000
    assert api.pay("k-11", kind="withdrawal", amount="1000000000000.00")[0] == 201


def test_a_deposit_limit_and_an_exclusion_refuse_deposits_only(player: Player, api: Api) -> None:
    limit = LimitRequest(
        player_id=player.pk,
        kind="deposit_24h",
        source="player",
        asked_by="p-1001",
        reason="Less is enough.",
        amount_minor=3_000,
    )
    set_limit(limit, now=NOW)
    assert api.pay("k-1", amount="30.00")[0] == 201
    status, problem = api.pay("k-2", amount="0.01")
    assert (status, problem["code"]) == (409, "deposit_refused")
    assert problem["errors"][0]["code"] == "deposit_limit"
    # What protection was asked, and said, is kept with the refusal.
    assert ProtectionCheck.objects.filter(kind="deposit", is_allowed=False).count() == 1
    pause = ExclusionRequest(
        player_id=player.pk,
        kind="time_out",
        source="player",
        asked_by="p-1001",
        reason="A pause.",
        ends_at=NOW + timedelta(days=1),
    )
    exclude(pause, now=NOW)
    assert api.pay("k-3", amount="0.01")[1]["errors"][0]["code"] == "time_out"
    assert api.pay("k-4", kind="withdrawal", amount="130.00")[0] == 201
    assert cash_of(player) == 0


def test_a_withdrawal_waits_for_what_must_be_resolved(player: Player, api: Api) -> None:
    Player.objects.update(kyc_status="pending", status="blocked")
    status, problem = api.pay("k-1", kind="withdrawal")
    assert (status, problem["code"]) == (409, "not_eligible")
    assert [e["code"] for e in problem["errors"]] == ["kyc_not_verified", "player_blocked"]
    assert cash_of(player) == 10_000


def test_the_database_keeps_a_key_for_ever_and_once(player: Player, api: Api) -> None:
    api.pay("k-1")
    kept = IdempotentRequest.objects.get()
    with pytest.raises(ProgrammingError), transaction.atomic():
        IdempotentRequest.objects.all().delete()
    with pytest.raises(ProgrammingError), transaction.atomic():
        IdempotentRequest.objects.update(answer_status=200)
    kept.pk = None
    with (
        pytest.raises(IntegrityError, match="operator_api_request_key_unique_per_client"),
        transaction.atomic(),
    ):
        kept.save(force_insert=True)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_40_copies_at_once_are_one_deposit() -> None:
    player, api = make_casino(cash_minor=10_000), make_api()
    outcomes = race([lambda: api.pay("k-1")] * 40)
    statuses = [each[0] for each in outcomes if isinstance(each, tuple)]
    assert len(statuses) == 40
    assert set(statuses) <= {201, 409}
    answers = [each for each in outcomes if isinstance(each, tuple) and each[0] == 201]
    assert answers
    assert all(each == answers[0] for each in answers)
    assert all(
        each[1]["code"] == "request_in_flight"
        for each in outcomes
        if isinstance(each, tuple) and each[0] == 409
    )
    assert cash_of(player) == 12_500
    assert IdempotentRequest.objects.count() == 1
    assert api.pay("k-1") == answers[0]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_40_withdrawals_of_all_at_once_are_one() -> None:
    player, api = make_casino(cash_minor=10_000), make_api()
    contenders = [
        lambda n=n: api.pay(f"k-{n}", kind="withdrawal", amount="100.00") for n in range(40)
    ]
    statuses = [each[0] for each in race(contenders) if isinstance(each, tuple)]
    assert (statuses.count(201), statuses.count(409)) == (1, 39)
    assert cash_of(player) == 0
    assert verify_ledger().holds


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_looking_for_the_key_without_the_lock_takes_effect_more_than_once() -> None:
    """The control: the same race, with the key looked up first and written afterwards."""
    make_api()
    client_id = ApiClient.objects.get().pk
    effects: list[int] = []

    def look_then_write() -> None:
        if not IdempotentRequest.objects.filter(client_id=client_id, key="k-1").exists():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.2)")
            effects.append(1)
            IdempotentRequest.objects.create(
                client_id=client_id,
                key="k-1",
                request_hash="",
                answer_status=201,
                answer_body={},
                created_at=NOW,
            )

    race([look_then_write] * 8)
    assert len(effects) > 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_copy_of_a_request_under_way_is_told_so_and_a_crash_frees_the_key() -> None:
    api = make_api()
    player = make_casino()
    client_id = ApiClient.objects.get().pk
    body = {
        "player_id": "p-1001",
        "kind": "deposit",
        "amount": "25.00",
        "currency": "EUR",
        "reference": "",
    }
    content = {"operation": "POST /api/v1/transfers", "body": body}
    seen: list[Any] = []

    def crash() -> Answer:
        seen.extend(race([lambda: api.pay("k-1")]))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        answer_once(KeyedRequest(client_id, "k-1", content), crash, now=NOW)
    assert [(status, answer["code"]) for status, answer in seen] == [(409, "request_in_flight")]
    assert api.pay("k-1")[0] == 201
    assert cash_of(player) == 12_500


def test_a_sub_wallet_is_filled_and_emptied_once_per_key(player: Player, api: Api) -> None:
    Provider.objects.update(wallet_model="sub_wallet")
    first = api.pay("k-1", kind="to_game", provider="aurora")
    assert (first[0], first[1]["state"], first[1]["balance"]["playable"]) == (
        201,
        "posted",
        "75.00",
    )
    assert api.pay("k-1", kind="to_game", provider="aurora") == first
    pots = {pot["pot"]: pot["amount"] for pot in first[1]["balance"]["pots"]}
    assert pots["sub:aurora"] == "25.00"
    status, back = api.pay("k-2", kind="from_game", provider="aurora", amount="10.00")
    assert (status, back["balance"]["playable"]) == (201, "85.00")
    status, problem = api.pay("k-3", kind="from_game", provider="aurora", amount="15.01")
    assert (status, problem["code"]) == (409, "insufficient_funds")
    assert verify_ledger().holds


def play_from_its_own_wallet() -> None:
    Provider.objects.update(wallet_model="transfer", transfer_url="https://wallet.example")
    give_order_key(Provider.objects.get())


def test_money_on_its_way_to_a_provider_holds_up_launch_and_withdrawal(
    player: Player, api: Api
) -> None:
    play_from_its_own_wallet()
    status, asked = api.pay("k-1", kind="to_game", provider="aurora")
    assert (status, asked["state"], asked["balance"]["playable"]) == (201, "requested", "75.00")
    status, problem = api.open()
    assert (status, problem["errors"][0]["code"]) == (403, "transfer_unresolved")
    status, problem = api.pay("k-2", kind="withdrawal")
    assert (status, problem["errors"][0]["code"]) == (409, "transfer_unresolved")


def test_money_with_a_provider_that_was_switched_off_still_holds_up_a_withdrawal(
    player: Player, api: Api
) -> None:
    play_from_its_own_wallet()
    assert api.pay("k-1", kind="to_game", provider="aurora")[1]["state"] == "requested"
    Provider.objects.update(is_active=False)
    status, problem = api.pay("k-2", kind="withdrawal")
    assert (status, problem["errors"][0]["code"]) == (409, "transfer_unresolved")
    assert cash_of(player) == 7_500


@pytest.mark.parametrize("model", ["sub_wallet", "transfer"])
def test_who_may_not_play_gets_no_money_into_a_game_and_all_of_it_back(
    player: Player, api: Api, model: str
) -> None:
    play_from_its_own_wallet()
    Provider.objects.update(wallet_model=model)
    if model == "sub_wallet":
        assert api.pay("k-1", kind="to_game", provider="aurora")[0] == 201
    before = cash_of(player)
    request = ExclusionRequest(player.pk, "self_exclusion", "player", "p-1001", "Asked.")
    exclude(request, now=NOW)
    status, problem = api.pay("k-2", kind="to_game", provider="aurora")
    assert (status, problem["code"]) == (409, "play_refused")
    assert problem["errors"][0]["code"] == "self_excluded"
    assert cash_of(player) == before
    if model == "sub_wallet":
        assert api.pay("k-3", kind="from_game", provider="aurora")[0] == 201


def test_money_goes_to_games_only_where_they_are_played_from_it(player: Player, api: Api) -> None:
    assert api.pay("k-1", kind="to_game", provider="aurora")[1]["code"] == "wrong_wallet_model"
    assert api.pay("k-2", kind="to_game", provider="nobody")[0] == 404
    assert api.pay("k-3", kind="to_game")[0] == 400
    assert api.pay("k-4", provider="aurora")[0] == 400
    assert cash_of(player) == 10_000
