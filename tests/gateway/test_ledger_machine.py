"""Whatever is played, in any order: the ledger says what a plain Python model says (B1).

``LEDGER_EXAMPLES=500 LEDGER_STEPS=50 pytest tests/gateway/test_ledger_machine.py`` looks further
than the 30 times 30 of a usual run.
"""

import os
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar, override

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from apps.bonuses.models import Grant
from apps.bonuses.services.grants import expire_grants, grant_bonus, request_forfeiture
from apps.core.money import format_minor
from apps.gateway.errors import RoundsOpenError
from apps.gateway.services.corrections import apply_correction
from apps.gateway.services.holds import holds_out_of_step
from apps.gateway.services.sub_wallets import (
    MoneyOrder,
    cash_out_sub_wallet,
    fund_sub_wallet,
    sweep_sub_wallets,
)
from apps.players.models import Player
from apps.providers.models import Provider
from apps.staff.models import User
from apps.staff.services import approve
from apps.wallet.contracts import House, PlayerPot, TransferRequest
from apps.wallet.enums import Pot, TransferKind
from apps.wallet.errors import IdempotencyConflictError, InsufficientFundsError
from apps.wallet.models import Account
from apps.wallet.services.ledger import post_transfers
from apps.wallet.services.proof import verify_ledger
from tests.bonuses.makers import make_approver, make_rule
from tests.factories import make_game, make_provider, make_user
from tests.gateway.builders import (
    NOW,
    SLOT,
    Casino,
    assert_ledger_holds,
    deposit,
    give_key,
    open_player,
    take_stakes_without_session,
)
from tests.gateway.ledger_model import ModelEvent, ModelPlayer, ModelRound, ModelTable

HOLD, SUB = "aurora", "borea"
CURRENCIES = {"p-aud": "AUD", "p-jpy": "JPY", "p-kwd": "KWD"}
BONUS_FIRST = "p-kwd"
WHO = st.sampled_from(sorted(CURRENCIES))
WHERE = st.sampled_from([HOLD, SUB])
AMOUNTS = st.one_of(st.integers(0, 12), st.integers(0, 2_500))
FIFTIETHS = st.integers(0, 70)
"""A stake in fiftieths of what may be staked: up to all of it and more, so that pots are mixed."""
FOLDED = """
SELECT a.house, a.currency, sum(CASE WHEN t.credit_account_id = a.id THEN t.amount_minor
    ELSE -t.amount_minor END)
FROM wallet_account a JOIN wallet_transfer t ON a.id IN (t.credit_account_id, t.debit_account_id)
WHERE a.player_id IS NULL GROUP BY a.house, a.currency
"""


class World:
    """Rows that every example begins with: two providers, three players, a bonus rule each."""

    def __init__(self) -> None:
        self.providers: dict[str, Provider] = {}
        for code, model in ((HOLD, "hold"), (SUB, "sub_wallet")):
            provider = make_provider(code)
            provider.wallet_model = model
            provider.save()
            take_stakes_without_session(provider)
            give_key(provider)
            make_game(provider, SLOT)
            self.providers[code] = provider
        self.players: dict[str, Player] = {
            ref: open_player(ref, currency=currency) for ref, currency in CURRENCIES.items()
        }
        Player.objects.filter(player_ref=BONUS_FIRST).update(jurisdiction="SE")
        for currency in CURRENCIES.values():
            make_rule(
                code=f"third-{currency.lower()}",
                currency=currency,
                percent_bp=3_333,
                requirement_multiple=Decimal("1.50"),
                max_bet_minor=None,
            )
        self.requester: User = make_user()
        self.approver: User = make_approver()


class LedgerMachine(RuleBasedStateMachine):
    """Plays the same on the product and on the model."""

    world: ClassVar[World]
    events = Bundle("events")
    rounds = Bundle("rounds")

    def __init__(self) -> None:
        super().__init__()
        savepoint = connection.savepoint()
        assert savepoint is not None
        self.savepoint = savepoint
        self.number = 0
        self.now = NOW
        some_player = self.world.players["p-aud"]
        self.casinos = {
            code: Casino(provider=provider, player=some_player)
            for code, provider in self.world.providers.items()
        }
        self.players = {
            ref: ModelPlayer(ref, cur, bonus_first=ref == BONUS_FIRST)
            for ref, cur in CURRENCIES.items()
        }
        self.tables = {
            (ref, code): ModelTable(player, code, f"sub:{SUB}" if code == SUB else "")
            for ref, player in self.players.items()
            for code in self.casinos
        }
        self.sent: dict[str, dict[str, Any]] = {}
        self.known: dict[str, ModelEvent] = {}

    @override
    def teardown(self) -> None:
        try:
            verdict = verify_ledger()
            assert verdict.holds, verdict.problems
        finally:
            connection.savepoint_rollback(self.savepoint)

    @initialize(amounts=st.lists(st.integers(100, 2_000), min_size=6, max_size=6))
    def begin_with_money(self, amounts: list[int]) -> None:
        for place, ref in enumerate(CURRENCIES):
            self.deposit(ref, amounts[place])
            self.fund_sub(ref, amounts[place] // 3)
            self.give_bonus(ref, amounts[3 + place])

    # Money in and out.

    @rule(ref=WHO, amount=st.integers(1, 5_000))
    def deposit(self, ref: str, amount: int) -> None:
        key = f"deposit-{self._next()}"
        for _ in range(2):
            deposit(self.world.players[ref], amount, key=key)
        with pytest.raises(IdempotencyConflictError):
            deposit(self.world.players[ref], amount + 1, key=key)
        self.players[ref].to_pot("deposits", "cash", amount)

    @rule(ref=WHO, amount=st.integers(1, 5_000))
    def withdraw(self, ref: str, amount: int) -> None:
        player = self.world.players[ref]
        request = TransferRequest(
            idempotency_key=f"withdrawal-{self._next()}",
            debit=PlayerPot(player.pk, Pot.CASH),
            credit=House("withdrawals"),
            amount_minor=amount,
            currency=player.currency,
            kind=TransferKind.WITHDRAWAL,
            subject=f"player:{ref}",
            occurred_at=self.now,
        )
        if amount > self.players[ref].pots["cash"]:
            with pytest.raises(InsufficientFundsError):
                post_transfers([request], now=self.now)
            return
        assert post_transfers([request], now=self.now) == 1
        assert post_transfers([request], now=self.now) == 0
        self.players[ref].to_pot("withdrawals", "cash", -amount)

    # Play.

    @rule(target=events, ref=WHO, code=WHERE, fiftieths=FIFTIETHS, win=AMOUNTS)
    def play_final(self, ref: str, code: str, fiftieths: int, win: int) -> Any:
        event_id = f"f-{self._next()}"
        bet = self.tables[ref, code].stakeable * fiftieths // 50
        event = ModelEvent(self.now, ModelRound(), bet, win)
        answer = self._send(event_id, ref, code, bet=bet, win=win, finalized=True)
        assert answer["status"] == "accepted"
        self.tables[ref, code].play(event)
        self._agree(answer, ref, code)
        return self._keep(event_id, event)

    @rule(target=rounds, ref=WHO, code=WHERE)
    def begin_round(self, ref: str, code: str) -> Any:
        return (f"r-{self._next()}", ref, code, ModelRound())

    @rule(target=events, played=rounds, fiftieths=FIFTIETHS, win=AMOUNTS)
    def stake_in_round(self, played: Any, fiftieths: int, win: int) -> Any:
        round_id, ref, code, model_round = played
        event_id = f"t-{self._next()}"
        bet = self.tables[ref, code].stakeable * fiftieths // 50
        event = ModelEvent(self.now, model_round, bet, win)
        answer = self._send(
            event_id, ref, code, bet=bet, win=win, finalized=False, round_id=round_id
        )
        table = self.tables[ref, code]
        if model_round.is_closed and bet == 0:
            assert answer["status"] == "accepted"  # a played part that came after the end
            table.play(event)
        elif model_round.is_closed:
            assert answer["code"] == "round_closed"
        elif bet > table.stakeable and bet > 0:
            assert answer["code"] == "insufficient_funds"
        else:
            assert answer["status"] == "tentative"
            table.hold(event)
        self._agree(answer, ref, code)
        return self._keep(event_id, event)

    @rule(target=events, played=consumes(rounds), fiftieths=FIFTIETHS, win=AMOUNTS)
    def end_round(self, played: Any, fiftieths: int, win: int) -> Any:
        round_id, ref, code, model_round = played
        event_id = f"e-{self._next()}"
        bet = self.tables[ref, code].stakeable * fiftieths // 50
        event = ModelEvent(self.now, model_round, bet, win)
        answer = self._send(
            event_id, ref, code, bet=bet, win=win, finalized=True, round_id=round_id
        )
        assert answer["status"] == "accepted"
        self.tables[ref, code].play(event)
        self._agree(answer, ref, code)
        return self._keep(event_id, event)

    @rule(target_id=events)
    def roll_back(self, target_id: str) -> None:
        sent = self.sent[target_id]
        answer = self._send_rollback(target_id)
        assert answer["status"] == "accepted"
        self.tables[sent["ref"], sent["code"]].undo(self.known[target_id])
        self._agree(answer, sent["ref"], sent["code"])

    @rule(ref=WHO, code=WHERE, bet=AMOUNTS, win=AMOUNTS)
    def roll_back_before_it_comes(self, ref: str, code: str, bet: int, win: int) -> None:
        event_id = f"late-{self._next()}"
        self.sent[event_id] = {"ref": ref, "code": code}
        assert self._send_rollback(event_id)["status"] == "accepted"
        answer = self._send(event_id, ref, code, bet=bet, win=win, finalized=True)
        assert (answer["status"], answer["code"]) == ("accepted", "late")

    @rule(ref=WHO, fiftieths=FIFTIETHS, win=AMOUNTS)
    def play_and_undo_in_one_body(self, ref: str, fiftieths: int, win: int) -> None:
        event_id = f"b-{self._next()}"
        bet = self.tables[ref, HOLD].stakeable * fiftieths // 50
        event = self._event(event_id, ref, HOLD, bet=bet, win=win, finalized=True)
        self._next()
        undo = self._undoing(event_id)
        answers = self.casinos[HOLD].send(event, undo)
        assert [answer["status"] for answer in answers] == ["accepted", "accepted"]
        played = ModelEvent(self.now, ModelRound(), bet, win)
        self.tables[ref, HOLD].play(played)
        self.tables[ref, HOLD].undo(played)

    @rule(event_id=events)
    def send_again(self, event_id: str) -> None:
        sent = self.sent[event_id]
        answer = self.casinos[sent["code"]].send_one(sent["event"])
        assert answer["status"] in {"duplicate", "rejected"}
        assert answer["balance"] == sent["balance"]

    @rule(event_id=events)
    def use_an_id_again_for_something_else(self, event_id: str) -> None:
        sent = self.sent[event_id]
        other = {k: v for k, v in sent["event"].items() if k != "checksum"}
        other["win_amount"] = format_minor(9_999_999, CURRENCIES[sent["ref"]])
        assert self.casinos[sent["code"]].send_one(other)["status"] == "conflict"

    @rule(event_id=events, amount=st.integers(1, 900))
    def correct(self, event_id: str, amount: int) -> None:
        sent = self.sent[event_id]
        for _ in range(2):
            apply_correction(
                provider_code=sent["code"],
                event_id=event_id,
                amount_minor=amount,
                approval_id=1_000 + self.number,
                reason="The provider paid too little.",
                now=self.now,
            )
        self.number += 1
        self.players[sent["ref"]].to_pot(f"corrections:{sent['code']}", "cash", amount)

    # Bonuses.

    @rule(ref=WHO, amount=st.integers(3, 3_000))
    def give_bonus(self, ref: str, amount: int) -> None:
        player = self.players[ref]
        if player.grant is not None:
            return
        key = f"grant-{self._next()}"
        for _ in range(2):
            grant_bonus(
                player_id=self.world.players[ref].pk,
                rule_code=f"third-{player.currency.lower()}",
                deposit_minor=amount,
                acting_user=None,
                idempotency_key=key,
                now=self.now,
            )
        whole, rest = divmod(amount * 3_333, 10_000)
        bonus = whole + (rest > 5_000 or (rest == 5_000 and whole % 2))
        player.give_bonus(bonus, (amount + bonus) * 3 // 2, self.now)

    @precondition(lambda self: any(player.grant for player in self.players.values()))
    @rule()
    def forfeit(self) -> None:
        ref = next(ref for ref, player in self.players.items() if player.grant)
        self._next()
        grant = Grant.objects.get(player=self.world.players[ref], state="active")
        approval_id = request_forfeiture(
            grant_id=grant.pk,
            acting_user=self.world.requester,
            reason="Played against the rules.",
            now=self.now,
        )
        approve(approval_id=approval_id, user=self.world.approver, reason="Agreed.", now=self.now)
        self.players[ref].close_grant("forfeited")

    @precondition(lambda self: any(player.grant for player in self.players.values()))
    @rule()
    def let_bonuses_expire(self) -> None:
        self.now += timedelta(days=31)
        self._next()
        expire_grants(self.now)
        for player in self.players.values():
            if player.grant:
                player.close_grant("expired")

    # A pot set apart.

    @rule(ref=WHO, amount=st.integers(1, 2_500))
    def fund_sub(self, ref: str, amount: int) -> None:
        order = self._order(ref, amount)
        player = self.players[ref]
        if amount > player.pots["cash"]:
            with pytest.raises(InsufficientFundsError):
                fund_sub_wallet(order, now=self.now)
            return
        assert fund_sub_wallet(order, now=self.now)
        assert not fund_sub_wallet(order, now=self.now)
        player.shift("cash", f"sub:{SUB}", amount)

    @rule(ref=WHO, amount=st.integers(1, 2_500))
    def cash_out_sub(self, ref: str, amount: int) -> None:
        order = self._order(ref, amount)
        player = self.players[ref]
        refusal = RoundsOpenError if self._is_in_play(ref) else InsufficientFundsError
        if refusal is RoundsOpenError or amount > player.pots[f"sub:{SUB}"]:
            with pytest.raises(refusal):
                cash_out_sub_wallet(order, now=self.now)
            return
        assert cash_out_sub_wallet(order, now=self.now)
        player.shift(f"sub:{SUB}", "cash", amount)

    @rule()
    def sweep(self) -> None:
        self._next()
        sweep_sub_wallets(SUB, now=self.now)
        for ref, player in self.players.items():
            if not self._is_in_play(ref):
                player.shift(f"sub:{SUB}", "cash", player.pots[f"sub:{SUB}"])

    # What holds after every step.

    @invariant()
    def the_model_and_the_ledger_agree(self) -> None:
        found = {ref: Counter[str]() for ref in CURRENCIES}
        rows = Account.objects.exclude(player=None).values_list(
            "player__player_ref", "pot", "balance_minor"
        )
        for ref, pot, balance in rows:
            found[ref][pot] = balance
        for ref, player in self.players.items():
            assert +found[ref] == +player.pots, ref
            assert min(player.pots.values(), default=0) >= 0
            assert sum(player.pots.values()) + sum(player.houses.values()) == 0

    @invariant()
    def the_house_agrees_too(self) -> None:
        expected: Counter[tuple[str, str]] = Counter()
        for player in self.players.values():
            for house, amount in player.houses.items():
                expected[house, player.currency] += amount
        with connection.cursor() as cursor:
            cursor.execute(FOLDED)
            found = {(house, currency): int(amount) for house, currency, amount in cursor}
        assert {k: v for k, v in found.items() if v} == {k: v for k, v in expected.items() if v}

    @invariant()
    def books_hold_by_themselves(self) -> None:
        assert_ledger_holds()
        assert holds_out_of_step() == []

    @invariant()
    def wagering_agrees(self) -> None:
        rows = Grant.objects.filter(state="active")
        found = dict(rows.values_list("player__player_ref", "remaining_minor"))
        assert found == {r: p.grant.remaining for r, p in self.players.items() if p.grant}

    def _next(self) -> int:
        self.number += 1
        self.now += timedelta(seconds=1)
        for casino in self.casinos.values():
            casino.now = self.now
        return self.number

    def _event(
        self, event_id: str, ref: str, code: str, *, bet: int, win: int, **fields: Any
    ) -> dict[str, Any]:
        currency = CURRENCIES[ref]
        event = self.casinos[code].event(
            event_id,
            player_id=ref,
            currency=currency,
            bet_amount=format_minor(bet, currency),
            win_amount=format_minor(win, currency),
            **fields,
        )
        self.sent[event_id] = {"ref": ref, "code": code, "event": event}
        return event

    def _send(self, event_id: str, ref: str, code: str, **fields: Any) -> dict[str, Any]:
        event = self._event(event_id, ref, code, **fields)
        answer = self.casinos[code].send_one(event)
        self.sent[event_id]["balance"] = answer["balance"]
        return answer

    def _send_rollback(self, target_id: str) -> dict[str, Any]:
        self._next()
        return self.casinos[self.sent[target_id]["code"]].send_one(self._undoing(target_id))

    def _undoing(self, target_id: str) -> dict[str, Any]:
        sent = self.sent[target_id]
        nothing = format_minor(0, CURRENCIES[sent["ref"]])
        return self.casinos[sent["code"]].rollback(
            f"u-{self.number}",
            target_id,
            player_id=sent["ref"],
            currency=CURRENCIES[sent["ref"]],
            bet_amount=nothing,
            win_amount=nothing,
        )

    def _keep(self, event_id: str, event: ModelEvent) -> Any:
        self.known[event_id] = event
        return multiple(event_id)

    def _agree(self, answer: dict[str, Any], ref: str, code: str) -> None:
        table = self.tables[ref, code]
        shown = sum(table.pots[pot] for pot in table.spend_pots)
        assert answer["balance"] == format_minor(shown, CURRENCIES[ref])

    def _order(self, ref: str, amount: int) -> MoneyOrder:
        player = self.world.players[ref]
        return MoneyOrder(player.pk, SUB, amount, player.currency, f"order-{self._next()}")

    def _is_in_play(self, ref: str) -> bool:
        """Whether a round of the player at the sub-wallet's provider is open."""
        return any(
            event.round.state == "open"
            for event_id, event in self.known.items()
            if (self.sent[event_id]["ref"], self.sent[event_id]["code"]) == (ref, SUB)
        )


@pytest.mark.django_db
@pytest.mark.timeout(1_800)
def test_a_plain_model_and_the_ledger_agree_after_every_step() -> None:
    LedgerMachine.world = World()
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=int(os.environ.get("LEDGER_EXAMPLES", "30")),
            stateful_step_count=int(os.environ.get("LEDGER_STEPS", "30")),
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
