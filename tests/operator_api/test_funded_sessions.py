"""A session opened with money: both or neither, and the money once per key."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.operator_api.enums import Scope
from apps.operator_api.models import IdempotentRequest
from apps.operator_api.services import game_sessions
from apps.operator_api.services.game_money import fund_session
from apps.play.models import GameSession
from apps.players.contracts import ExclusionRequest
from apps.players.models import Player, ProtectionCheck
from apps.players.services import exclude
from apps.providers.models import Provider
from apps.wallet.models import Transfer
from apps.wallet.selectors import balances
from apps.wallet.services.proof import verify_ledger
from tests.factories import make_user
from tests.operator_api.builders import NOW, Api, make_api, make_casino
from tests.races import race

pytestmark = pytest.mark.django_db


@pytest.fixture
def player() -> Player:
    found = make_casino(cash_minor=10_000)
    Provider.objects.update(wallet_model="sub_wallet")
    return found


@pytest.fixture
def api() -> Api:
    return make_api()


def open_with(api: Api, key: str, fund: Any = "30.00", **changes: Any) -> tuple[int, Any]:
    body = {"player_id": "p-1001", "provider": "aurora", "game": "aurora-reef", "fund": fund}
    return api.post("sessions", {**body, **changes}, **({"Idempotency-Key": key} if key else {}))


def pots(player: Player) -> tuple[int, int]:
    found = balances(player.pk)
    return found["cash"], found.get("sub:aurora", 0)


def nothing_moved(player: Player) -> bool:
    return pots(player) == (10_000, 0) and not GameSession.objects.exists()


def test_a_session_opens_with_its_money_in_one_step(player: Player, api: Api) -> None:
    status, answer = open_with(api, "s-1")
    assert status == 201
    assert answer["funding"]["amount"] == "30.00"
    assert (answer["funding"]["kind"], answer["funding"]["state"]) == ("to_game", "posted")
    assert answer["funding"]["balance"]["playable"] == "70.00"
    assert answer["token"]
    assert pots(player) == (7_000, 3_000)
    session = GameSession.objects.get()
    line = Transfer.objects.get(kind="sub_fund")
    assert line.subject == f"session:{session.public_id}"
    assert (line.amount_minor, line.currency) == (3_000, "EUR")
    assert verify_ledger().holds


def test_a_session_without_money_says_that_none_moved(player: Player, api: Api) -> None:
    status, answer = api.open()
    assert (status, answer["funding"]) == (201, None)
    assert pots(player) == (10_000, 0)
    assert not IdempotentRequest.objects.exists()


def test_a_repeat_opens_a_session_of_its_own_on_the_money_that_moved_before(
    player: Player, api: Api
) -> None:
    _, first = open_with(api, "s-1")
    status, again = open_with(api, "s-1")
    assert (status, again["funding"]) == (201, first["funding"])
    assert again["session_id"] != first["session_id"]
    assert again["token"] != first["token"]
    assert pots(player) == (7_000, 3_000)
    assert Transfer.objects.filter(kind="sub_fund").count() == 1
    # What is kept for repeats tells of the money, and holds nothing that was handed out.
    kept = str(IdempotentRequest.objects.get().answer_body)
    assert all(first[secret] not in kept for secret in ("token", "refresh_credential"))
    assert "pbl_" not in kept


def test_another_key_is_another_launch_with_its_own_money(player: Player, api: Api) -> None:
    open_with(api, "s-1")
    assert open_with(api, "s-2")[0] == 201
    assert pots(player) == (4_000, 6_000)


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 129])
def test_without_a_usable_key_nothing_opens_and_nothing_moves(
    player: Player, api: Api, key: str
) -> None:
    status, problem = open_with(api, key)
    assert (status, problem["code"]) == (400, "idempotency_key_missing")
    assert nothing_moved(player)


@pytest.mark.parametrize("changes", [{"fund": "30.01"}, {"player_id": "p-1002"}])
def test_a_key_with_other_content_is_refused(
    player: Player, api: Api, changes: dict[str, str]
) -> None:
    make_second = {"currency": "EUR", "jurisdiction": "MT", "kyc_status": "verified"}
    assert api.put("players/p-1002", {**make_second, "date_of_birth": "1990-05-17"})[0] == 201
    open_with(api, "s-1")
    status, problem = open_with(api, "s-1", **changes)
    assert (status, problem["code"]) == (422, "idempotency_key_reused")
    assert pots(player) == (7_000, 3_000)
    assert GameSession.objects.count() == 1


def test_a_key_of_a_transfer_is_no_key_for_a_session(player: Player, api: Api) -> None:
    api.pay("k-1")
    assert open_with(api, "k-1")[0] == 422
    assert pots(player) == (12_500, 0)


def test_too_little_cash_opens_nothing_and_is_final_for_the_key(player: Player, api: Api) -> None:
    refused = open_with(api, "s-1", "100.01")
    assert (refused[0], refused[1]["code"]) == (409, "insufficient_funds")
    assert nothing_moved(player)
    api.pay("k-1")
    assert open_with(api, "s-1", "100.01") == refused
    assert pots(player) == (12_500, 0)
    assert not GameSession.objects.exists()


@pytest.mark.parametrize("model", ["hold", "transfer"])
def test_a_provider_of_another_wallet_model_is_not_funded_so(
    player: Player, api: Api, model: str
) -> None:
    Provider.objects.update(wallet_model=model, transfer_url="https://wallet.example")
    status, problem = open_with(api, "s-1")
    assert (status, problem["code"]) == (409, "wrong_wallet_model")
    assert nothing_moved(player)


def test_a_refused_launch_moves_nothing_is_logged_and_keeps_no_key(
    player: Player, api: Api
) -> None:
    pause = ExclusionRequest(
        player_id=player.pk,
        kind="time_out",
        source="player",
        asked_by="p-1001",
        reason="A pause.",
        ends_at=NOW + timedelta(days=1),
    )
    exclude(pause, now=NOW)
    status, problem = open_with(api, "s-1")
    assert (status, problem["code"]) == (403, "launch_refused")
    assert problem["support_links"]
    assert nothing_moved(player)
    assert ProtectionCheck.objects.filter(kind="launch", is_allowed=False).count() == 1
    assert not IdempotentRequest.objects.exists()


@pytest.mark.parametrize(
    ("fund", "code"),
    [
        ("0.00", "invalid_amount"),
        ("1.001", "invalid_amount"),
        ("-1.00", "invalid"),
        (30, "invalid"),
    ],
)
def test_what_is_no_amount_opens_nothing_and_keeps_no_key(
    player: Player, api: Api, fund: Any, code: str
) -> None:
    status, problem = open_with(api, "s-1", fund)
    assert (status, problem["code"]) == (400, code)
    assert nothing_moved(player)
    assert open_with(api, "s-1")[0] == 201


def test_a_client_that_may_move_no_money_opens_sessions_without_it_only(player: Player) -> None:
    api = make_api((Scope.SESSIONS_WRITE.value,))
    status, problem = open_with(api, "s-1")
    assert (status, problem["code"]) == (403, "missing_scope")
    assert nothing_moved(player)
    assert api.open()[0] == 201


def test_no_money_stays_where_the_session_fails_and_no_session_where_the_money_does(
    player: Player, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: Any, **__: Any) -> Any:
        raise ConnectionError

    def fund_and_fail(*args: Any, **options: Any) -> Any:
        fund_session(*args, **options)
        raise ConnectionError

    for stand_in in (lost, fund_and_fail):
        monkeypatch.setattr(game_sessions, "fund_session", stand_in)
        with pytest.raises(ConnectionError):
            open_with(api, "s-1")
        assert nothing_moved(player)
        assert not IdempotentRequest.objects.exists()
    monkeypatch.undo()
    assert open_with(api, "s-1")[0] == 201


def test_the_page_of_a_session_shows_what_funded_it(player: Player, api: Api) -> None:
    open_with(api, "s-1")
    api.open()
    client = Client()
    client.force_login(make_user(permissions=("play.view_gamesession",)))
    funded, bare = (
        client.get(reverse("admin:play_gamesession_change", args=[pk])).content.decode()
        for pk in GameSession.objects.order_by("pk").values_list("pk", flat=True)
    )
    assert "Money it was opened with" in funded
    assert "p-1001 sub:aurora" in funded
    assert "30.00" in funded
    assert "No money was moved with it." in bare


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_20_copies_at_once_move_the_money_once() -> None:
    player = make_casino(cash_minor=10_000)
    Provider.objects.update(wallet_model="sub_wallet")
    api = make_api()
    api.open()  # the signing key is made
    outcomes = race([lambda: open_with(api, "s-1")] * 20)
    answers = [each for each in outcomes if isinstance(each, tuple)]
    assert len(answers) == 20
    assert {status for status, _ in answers} <= {201, 409}
    assert {one["code"] for status, one in answers if status == 409} <= {"request_in_flight"}
    opened = [one for status, one in answers if status == 201]
    assert opened
    assert all(one["funding"] == opened[0]["funding"] for one in opened)
    assert pots(player) == (7_000, 3_000)
    # The money's own session, and one for each copy that came later; none without an answer.
    assert GameSession.objects.count() == len(opened) + 1
    assert verify_ledger().holds


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_the_same_race_under_keys_of_their_own_moves_it_as_often_as_there_are_keys() -> None:
    """The control: the race does run, and what keeps it to one is the key."""
    player = make_casino(cash_minor=10_000)
    Provider.objects.update(wallet_model="sub_wallet")
    api = make_api()
    api.open()
    outcomes = race([partial(open_with, api, f"s-{n}") for n in range(5)])
    statuses = sorted(each[0] for each in outcomes if isinstance(each, tuple))
    # Three times 30.00 of 100.00, and no fourth.
    assert statuses == [201, 201, 201, 409, 409]
    assert pots(player) == (1_000, 9_000)
    assert GameSession.objects.count() == 1 + 3
    assert verify_ledger().holds
