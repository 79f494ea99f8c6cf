"""Money in a provider's own wallet: moved once, by the provider's word."""

import socket
import uuid
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.core.models import OutboxMessage
from apps.gateway.errors import NoTransferAddressError, WrongWalletModelError
from apps.gateway.services import game_transfers
from apps.gateway.services.game_transfers import (
    balance_at_provider,
    cash_out_all,
    pursue_due_transfers,
    pursue_transfer,
    transfer_in,
    transfer_out,
)
from apps.gateway.services.holds import transit_out_of_step
from apps.gateway.services.sub_wallets import MoneyOrder
from apps.gateway.services.wallet_audit import audit_wallets
from apps.wallet.errors import (
    IdempotencyConflictError,
    InsufficientFundsError,
    TransferDecidedError,
    TransferUnresolvedError,
)
from apps.wallet.models import GameTransfer, Transfer
from apps.wallet.selectors import due_transfers, unresolved_transfers
from apps.wallet.services.game_transfers import ask_again, begin_attempt
from tests.big_rows import fill
from tests.factories import make_provider, make_user
from tests.gateway.builders import (
    NOW,
    Casino,
    assert_ledger_holds,
    everything,
    give_order_key,
    later,
    lines,
    open_casino,
    open_player,
)
from tests.gateway.game_wallet import GameWallet
from tests.gateway.operations_makers import ask_one, stake
from tests.plans import plan_of
from tests.races import race


@pytest.fixture
def there(casino: Casino, game_wallet: GameWallet) -> Casino:
    return played_there(casino, game_wallet)


def played_there(casino: Casino, game_wallet: GameWallet) -> Casino:
    casino.provider.wallet_model = "transfer"
    casino.provider.transfer_url = game_wallet.url
    casino.provider.save()
    give_order_key(casino.provider)
    casino.book = {"p-1001": 0}
    return casino


def order(casino: Casino, amount_minor: int, key: str = "k-1") -> MoneyOrder:
    return MoneyOrder(casino.player.pk, "aurora", amount_minor, "AUD", key)


def pots(casino: Casino) -> tuple[int, int]:
    found = casino.pots()
    return found["cash"], found.get("transferred:aurora", 0)


def state(casino: Casino) -> str:
    return GameTransfer.objects.order_by("-pk")[0].state


def pursue_all(at: datetime) -> int:
    return pursue_due_transfers(now=at)


def test_an_evening_at_the_providers_wallet_reads_like_an_account(
    there: Casino, game_wallet: GameWallet
) -> None:
    went = transfer_in(order(there, 3_000), now=NOW)
    assert pots(there) == (7_000, 0)
    assert pursue_transfer(went.id, now=NOW)
    assert (pots(there), game_wallet.held_minor) == ((7_000, 3_000), {"p-1001": 3_000})
    there.book["p-1001"] = 3_000
    played = there.send_one(there.event("e-1", bet_amount="10.00", win_amount="25.00"))
    assert (played["status"], played["code"], played["balance"]) == ("accepted", None, "45.00")
    game_wallet.held_minor["p-1001"] = 4_500
    back = cash_out_all(
        player_id=there.player.pk,
        provider_code="aurora",
        currency="AUD",
        idempotency_key="out",
        now=later(5),
    )
    assert back is not None
    assert pursue_all(later(5)) == 1
    assert (pots(there), game_wallet.held_minor) == ((11_500, 0), {"p-1001": 0})
    assert [kind for kind, *_ in lines(f"game-transfer:{back.public_id}")] == [
        "transfer_out",
        "transfer_out_done",
    ]
    assert not Transfer.objects.filter(reverses__isnull=False).exists()
    assert game_wallet.unsigned == 0
    assert_ledger_holds()


def test_while_it_is_on_its_way_the_money_is_nobodys_and_the_ledger_explains_it(
    there: Casino,
) -> None:
    went = transfer_in(order(there, 3_000), now=NOW)
    assert transit_out_of_step() == []
    assert [one.id for one in unresolved_transfers(there.player.pk, there.provider.pk)] == [went.id]
    pursue_all(NOW)
    assert transit_out_of_step() == []
    assert unresolved_transfers(there.player.pk, there.provider.pk) == []


def test_a_provider_that_says_nothing_is_asked_once_a_run_and_others_are_asked(
    there: Casino,
) -> None:
    silent = make_provider("borealis")
    silent.wallet_model = "transfer"
    with socket.socket() as deaf:
        # A port that is taken and at which nobody listens.
        deaf.bind(("127.0.0.1", 0))
        silent.transfer_url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        silent.save()
        give_order_key(silent)
        for number in range(3):
            player = open_player(f"p-{number}", cash_minor=500)
            wanted = MoneyOrder(player.pk, "borealis", 100, "AUD", f"s-{number}")
            transfer_in(wanted, now=NOW)
        transfer_in(order(there, 3_000), now=later(1))
        assert pursue_due_transfers(now=later(2), limit=2) == 1
    assert pots(there) == (7_000, 3_000)
    tried = GameTransfer.objects.filter(provider_code="borealis").order_by("pk")
    assert [transfer.attempts for transfer in tried] == [1, 0, 0]


def test_a_run_that_takes_its_time_ends_and_the_next_goes_on(
    there: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = open_player("p-2", cash_minor=500)
    transfer_in(order(there, 3_000), now=NOW)
    transfer_in(MoneyOrder(other.pk, "aurora", 100, "AUD", "k-2"), now=later(1))
    monkeypatch.setattr(game_transfers, "_RUN_SECONDS", -1.0)
    assert [pursue_all(later(2)) for _ in range(3)] == [1, 1, 0]
    assert not GameTransfer.objects.exclude(state="confirmed", attempts=1).exists()
    assert_ledger_holds()


def test_due_transfers_are_found_by_their_index(db: None) -> None:
    # One in twenty is on its way, and one in a hundred of those is due.
    due_in = "make_interval(hours => CASE WHEN mod(i, 2000) = 0 THEN -1 ELSE 1 END)"
    values = {
        name: f"CASE WHEN mod(i, 20) = 0 THEN {on_its_way} ELSE {decided} END"
        for name, on_its_way, decided in [
            ("state", "'unresolved'", "'confirmed'"),
            ("decided_at", "NULL", "now()"),
            ("next_attempt_at", f"now() + {due_in}", "NULL"),
        ]
    }
    fill([GameTransfer], rows=20_000, values=values)
    with CaptureQueriesContext(connection) as asked:
        assert len(due_transfers(limit=50, now=datetime.now(UTC))) == 10
    plan = plan_of(asked[0]["sql"])
    assert "wallet_gametransfer_due" in plan, plan


def test_an_answer_that_comes_too_late_is_asked_for_and_nothing_moves_twice(
    there: Casino, game_wallet: GameWallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(game_transfers, "_TIMEOUT_SECONDS", 0.3)
    game_wallet.behave = ["hang"]
    went = transfer_in(order(there, 3_000), now=NOW)
    assert not pursue_transfer(went.id, now=NOW)
    assert (state(there), pots(there)) == ("unresolved", (7_000, 0))
    assert "request_timed_out" in GameTransfer.objects.get().last_error
    assert pursue_all(later(5)) == 0  # its next attempt isn't due
    assert pursue_all(later(11)) == 1
    assert game_wallet.asked == ["/transfers", "/transfers/status"]
    assert (state(there), pots(there)) == ("confirmed", (7_000, 3_000))
    assert game_wallet.held_minor == {"p-1001": 3_000}


def test_a_transfer_out_that_times_out_is_decided_by_its_status(
    there: Casino, game_wallet: GameWallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    pursue_transfer(transfer_in(order(there, 3_000), now=NOW).id, now=NOW)
    monkeypatch.setattr(game_transfers, "_TIMEOUT_SECONDS", 0.3)
    game_wallet.behave = ["hang"]
    transfer_out(order(there, 1_000, "out"), now=NOW)
    assert pursue_all(later(1)) == 0
    assert pots(there) == (7_000, 2_000)
    assert pursue_all(later(60)) == 1
    assert (pots(there), game_wallet.held_minor["p-1001"]) == ((8_000, 2_000), 2_000)


def test_what_the_provider_never_heard_of_is_told_again_under_the_same_id(
    there: Casino, game_wallet: GameWallet
) -> None:
    game_wallet.behave = ["lose"]
    transfer_in(order(there, 3_000), now=NOW)
    assert pursue_all(NOW) == 0
    assert pursue_all(later(60)) == 1
    assert game_wallet.asked == ["/transfers", "/transfers/status", "/transfers"]
    assert len(game_wallet.transfers) == 1
    assert pots(there) == (7_000, 3_000)


def test_a_refusal_gives_the_money_back_and_names_what_it_reverses(
    there: Casino, game_wallet: GameWallet
) -> None:
    game_wallet.behave = ["refuse"]
    went = transfer_in(order(there, 3_000), now=NOW)
    assert pursue_transfer(went.id, now=NOW)
    assert (state(there), pots(there)) == ("failed", (10_000, 0))
    assert lines(f"game-transfer:{went.public_id}")[-1] == (
        "transfer_in_failed",
        "in_transit:aurora",
        "p-1001 cash",
        3_000,
    )
    assert transit_out_of_step() == []
    assert transfer_in(order(there, 3_000, "again"), now=later(1)).state == "requested"


@pytest.mark.parametrize("code", ["no\x00pe", "no\ud800pe", "n\u00f6o\x1bpe", "nope" * 100])
def test_a_code_that_can_not_be_stored_does_not_undo_the_providers_word(
    there: Casino, game_wallet: GameWallet, code: str
) -> None:
    went = transfer_in(order(there, 3_000), now=NOW)
    game_wallet.transfers[went.public_id] = {
        "transaction_id": went.public_id,
        "status": "confirmed",
        "code": code,
    }
    assert pursue_all(NOW) == 1
    assert (state(there), pots(there)) == ("confirmed", (7_000, 3_000))
    assert GameTransfer.objects.get().code == ("nope" * 12 if len(code) > 10 else "nope")


def test_one_transfer_that_fails_takes_no_other_with_it(
    there: Casino, game_wallet: GameWallet
) -> None:
    unfit = make_provider("borealis")
    unfit.wallet_model, unfit.transfer_url = "transfer", game_wallet.url
    unfit.save()
    key = give_order_key(unfit)
    transfer_in(MoneyOrder(there.player.pk, "borealis", 100, "AUD", "k-0"), now=NOW)
    key.secret = "no secret of any protocol"
    key.save(update_fields=["secret"])
    transfer_in(order(there, 3_000), now=NOW)
    assert pursue_all(NOW) == 1
    assert pots(there) == (6_900, 3_000)
    assert GameTransfer.objects.get(provider_id=unfit.pk).state != "confirmed"


def test_nonsense_decides_nothing(there: Casino, game_wallet: GameWallet) -> None:
    game_wallet.behave = ["lie"]
    transfer_in(order(there, 3_000), now=NOW)
    assert pursue_all(NOW) == 0
    assert (state(there), pots(there)) == ("unresolved", (7_000, 0))
    assert "unreadable_answer" in GameTransfer.objects.get().last_error


def test_a_key_asks_once_and_a_second_transfer_waits_for_the_first(there: Casino) -> None:
    first = transfer_in(order(there, 3_000), now=NOW)
    assert transfer_in(order(there, 3_000), now=later(1)).id == first.id
    before = everything()
    with pytest.raises(IdempotencyConflictError):
        transfer_in(order(there, 3_001), now=NOW)
    with pytest.raises(TransferUnresolvedError):
        transfer_in(order(there, 100, "k-2"), now=NOW)
    assert everything() == before
    pursue_all(NOW)
    with pytest.raises(InsufficientFundsError):
        transfer_in(order(there, 7_001, "k-3"), now=NOW)
    assert transfer_in(order(there, 3_000), now=later(2)).state == "confirmed"


def test_only_a_provider_with_its_own_wallet_and_an_address_takes_transfers(
    casino: Casino,
) -> None:
    before = everything()
    with pytest.raises(WrongWalletModelError):
        transfer_in(order(casino, 100), now=NOW)
    casino.provider.wallet_model = "transfer"
    casino.provider.save()
    with pytest.raises(NoTransferAddressError):
        transfer_in(order(casino, 100), now=NOW)
    assert everything() == before
    assert not GameTransfer.objects.exists()


def test_nothing_is_asked_back_of_a_provider_that_can_not_be_asked(there: Casino) -> None:
    pursue_transfer(transfer_in(order(there, 3_000), now=NOW).id, now=NOW)
    there.provider.refresh_from_db()
    there.provider.transfer_url = ""
    there.provider.save()
    before = everything()
    with pytest.raises(NoTransferAddressError):
        transfer_out(order(there, 1_000, "out"), now=NOW)
    assert everything() == before
    assert pots(there) == (7_000, 3_000)


def test_cashing_out_everything_asks_once_per_key_and_nothing_where_there_is_nothing(
    there: Casino,
) -> None:
    def out(key: str) -> str | None:
        asked = cash_out_all(
            player_id=there.player.pk,
            provider_code="aurora",
            currency="AUD",
            idempotency_key=key,
            now=later(1),
        )
        return None if asked is None else asked.public_id

    assert out("nothing") is None
    pursue_transfer(transfer_in(order(there, 3_000), now=NOW).id, now=NOW)
    first = out("all")
    assert first
    assert out("all") == first
    pursue_all(later(1))
    assert out("all") == first
    assert pots(there) == (10_000, 0)


def test_what_was_played_there_is_never_refused_for_funds(there: Casino) -> None:
    played = there.send_one(there.event("e-1", bet_amount="5.00", win_amount="0.00"))
    assert (played["status"], played["code"]) == ("accepted", "overdrawn")
    assert pots(there) == (10_000, 0)


def overdrawn_facts() -> list[str]:
    found = OutboxMessage.objects.filter(topic="rounds.player_overdrawn").order_by("pk")
    return [one.payload["event_id"] for one in found]


def test_a_single_stake_that_nothing_there_covers_is_told_as_a_debt_once(there: Casino) -> None:
    for _ in range(2):
        assert ask_one(there, stake("b-1", 1_000))[1:] == ("overdrawn", 0)
    assert lines("aurora:b-1") == [("overdrawn", "receivable:p-1001", "gaming:aurora", 1_000)]
    assert overdrawn_facts() == ["b-1"]


def test_a_tentative_event_is_told_as_a_debt_once_and_its_final_form_makes_no_second(
    there: Casino,
) -> None:
    played = {"bet_amount": "5.00", "win_amount": "0.00"}
    first = there.send_one(there.tentative("e-1", **played))
    assert (first["status"], first["code"]) == ("tentative", "overdrawn")
    assert overdrawn_facts() == ["e-1"]
    final = there.send_one(there.event("e-1", round_id="r-1", **played))
    assert (final["status"], final["code"]) == ("accepted", "overdrawn")
    assert there.stored("e-1").code == "overdrawn"
    assert overdrawn_facts() == ["e-1"]


def test_what_is_covered_there_is_told_to_nobody(there: Casino) -> None:
    transfer_in(order(there, 3_000), now=NOW)
    pursue_all(NOW)
    assert ask_one(there, stake("b-1", 1_000))[:2] == ("accepted", "")
    assert overdrawn_facts() == []


def test_the_provider_is_told_by_the_outbox_and_a_repeat_of_the_task_does_nothing(
    there: Casino, game_wallet: GameWallet
) -> None:
    went = transfer_in(order(there, 3_000), now=NOW)
    message = OutboxMessage.objects.get(topic="wallet.game_transfer_requested")
    assert (message.task, message.payload) == ("gateway.pursue_transfer", {"transfer_id": went.id})
    assert pursue_transfer(went.id, now=NOW)
    assert not pursue_transfer(went.id, now=NOW)
    assert game_wallet.asked == ["/transfers"]


def test_the_provider_states_what_a_player_has_there(
    there: Casino, game_wallet: GameWallet
) -> None:
    game_wallet.held_minor = {"p-1001": 1_234}
    assert balance_at_provider("aurora", "p-1001", "AUD", NOW) == 1_234


def test_two_players_asked_about_in_one_second_are_two_messages(
    there: Casino, game_wallet: GameWallet
) -> None:
    game_wallet.held_minor = {"p-1001": 1_234, "p-1002": 5}
    found = [balance_at_provider("aurora", ref, "AUD", NOW) for ref in ("p-1001", "p-1002")]
    assert found == [1_234, 5]
    assert len(set(game_wallet.message_ids)) == 2
    assert game_wallet.unsigned == 0


def test_the_audit_compares_the_mirror_with_the_providers_last_word(there: Casino) -> None:
    pursue_transfer(transfer_in(order(there, 3_000), now=NOW).id, now=NOW)
    there.book["p-1001"] = 3_000
    there.now = later(10)
    there.send(there.event("e-1", bet_amount="1.00", win_amount="0.00"))
    assert audit_wallets("aurora", now=later(20)).findings == 0


def test_a_person_may_ask_again_at_once_but_not_about_what_is_decided(
    there: Casino, game_wallet: GameWallet
) -> None:
    game_wallet.behave = ["lose"]
    went = transfer_in(order(there, 3_000), now=NOW)
    pursue_all(NOW)
    person = make_user("fin")
    ask_again(transfer_id=went.id, acting_user=person, reason="player waits", now=later(1))
    assert pursue_all(later(1)) == 1
    with pytest.raises(TransferDecidedError):
        ask_again(transfer_id=went.id, acting_user=person, reason="player waits", now=later(2))


@pytest.mark.parametrize(
    ("changes", "naming"),
    [
        ({"state": "confirmed"}, "wallet_gametransfer_decided_has_a_time"),
        ({"amount_minor": 5}, "Cannot update"),
        ({"direction": "out"}, "Cannot update"),
    ],
)
def test_the_database_refuses_what_a_transfer_may_not_be(
    there: Casino, changes: dict[str, object], naming: str
) -> None:
    transfer_in(order(there, 3_000), now=NOW)
    with pytest.raises(Exception, match=naming), transaction.atomic():
        GameTransfer.objects.update(**changes)


def test_the_database_keeps_one_open_transfer_and_what_was_decided(there: Casino) -> None:
    went = transfer_in(order(there, 3_000), now=NOW)
    row = GameTransfer.objects.get()
    row.id, row.public_id, row.idempotency_key = went.id + 1, uuid.uuid4(), "other"
    with pytest.raises(IntegrityError, match="one_open_per_player"), transaction.atomic():
        row.save(force_insert=True)
    pursue_transfer(went.id, now=NOW)
    with pytest.raises(Exception, match="Cannot update"), transaction.atomic():
        GameTransfer.objects.update(state="failed")


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_processes_that_pursue_one_transfer_book_it_once(game_wallet: GameWallet) -> None:
    there = played_there(open_casino(), game_wallet)
    went = transfer_in(order(there, 3_000), now=NOW)
    decided = race([lambda: pursue_transfer(went.id, now=NOW)] * 3)
    assert sorted(map(str, decided)) == ["False", "False", "True"]
    assert game_wallet.asked == ["/transfers"]
    assert pots(there) == (7_000, 3_000)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_control_without_the_mark_before_asking_the_provider_is_asked_twice(
    game_wallet: GameWallet,
) -> None:
    there = played_there(open_casino(), game_wallet)
    went = transfer_in(order(there, 3_000), now=NOW)
    first = begin_attempt(went.id, now=NOW)
    GameTransfer.objects.update(next_attempt_at=NOW)
    second = begin_attempt(went.id, now=NOW)
    assert first is not None
    assert second is not None


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_transfers_of_the_last_money_at_once_send_it_once(game_wallet: GameWallet) -> None:
    there = played_there(open_casino(), game_wallet)
    outcomes = race(
        [
            lambda: transfer_in(order(there, 10_000, "a"), now=NOW),
            lambda: transfer_in(order(there, 10_000, "b"), now=NOW),
        ]
    )
    assert sum(isinstance(outcome, TransferUnresolvedError) for outcome in outcomes) == 1
    assert pots(there) == (0, 0)
    assert GameTransfer.objects.count() == 1
