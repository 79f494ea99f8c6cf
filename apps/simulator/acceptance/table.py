"""A table for one scenario: what a provider says there, what it hears, what the ledger says."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from apps.core.money import format_minor
from apps.providers.contracts import Policy
from apps.simulator.acceptance.bench import CURRENCY, Bench, Books
from apps.simulator.acceptance.scenario import Check, DoesNotApplyError
from apps.simulator.dialects.client import UNDAMAGED, Client, Damage
from apps.simulator.dialects.contract import Answer, Dialect, Move, RunKey, Seat, Step, Verdict


class Table:
    """Builds a provider's messages, sends them, and notes whether what came is as expected."""

    def __init__(self, bench: Bench, client: Client, *, other_key: RunKey, may_stall: bool) -> None:
        self.bench = bench
        self.client = client
        self.other_key = other_key
        self.may_stall = may_stall
        self.checks: list[Check] = []
        self._seen: dict[str, int] = {}

    @property
    def dialect(self) -> Dialect:
        return self.client.dialect

    @property
    def policy(self) -> Policy:
        """What the provider's policy says; where the protocol's own text decides, that."""
        return self.bench.policy

    def skip(self, reason: str) -> None:
        """Leave the scenario: it does not apply, for this reason."""
        raise DoesNotApplyError(reason)

    def need_own_funds(self) -> None:
        """Leave the scenario where stakes can't be refused for funds."""
        if not self.bench.model.may_refuse_for_funds:
            self.skip("the money lies in the provider's own wallet, which decides about funds")

    def seat(self, balance_minor: int, *, second_game: bool = False) -> Seat:
        """Seat a new player with a balance."""
        seat = self.bench.seat(balance_minor, second_game=second_game)
        self._seen[seat.player_ref] = balance_minor
        return seat

    def stake(self, seat: Seat, amount_minor: int, **more: Any) -> Move:
        return self._move(Step.STAKE, seat, amount_minor, **more)

    def win(self, stake: Move, amount_minor: int, **more: Any) -> Move:
        """Return a win for a stake, in its round; it closes the round unless told otherwise."""
        more = {"closes": True, "target_id": stake.tx_id, "round_id": stake.round_id, **more}
        return self._move(Step.WIN, stake.seat, amount_minor, **more)

    def played(self, seat: Seat, stake_minor: int, win_minor: int, **more: Any) -> Move:
        return self._move(Step.PLAYED, seat, stake_minor, win_minor=win_minor, **more)

    def reward(self, seat: Seat, amount_minor: int, **more: Any) -> Move:
        return self._move(Step.REWARD, seat, amount_minor, closes=True, **more)

    def rollback(self, target: Move, **more: Any) -> Move:
        """Return a rollback of a message, whether or not it was ever sent."""
        more = {"target_id": target.tx_id, "round_id": target.round_id, **more}
        amount_minor = more.pop("amount_minor", target.amount_minor)
        return self._move(Step.ROLLBACK, target.seat, amount_minor, **more)

    def _move(self, step: Step, seat: Seat, amount_minor: int, **more: Any) -> Move:
        more.setdefault("tx_id", self.dialect.new_transaction())
        more.setdefault("round_id", self.dialect.new_round())
        return Move(
            step,
            seat,
            amount_minor=amount_minor,
            before_minor=self._seen.get(seat.player_ref, 0),
            at=datetime.now(UTC),
            **more,
        )

    def send(self, move: Move, damage: Damage = UNDAMAGED) -> Answer:
        """Send a message and remember the balance that came back, as a provider does."""
        answer = self.client.send(move, damage)
        if answer.balance_minor is not None:
            self._seen[move.seat.player_ref] = answer.balance_minor
        return answer

    def send_all_at_once(self, moves: Sequence[Move]) -> list[Answer]:
        """Send messages in parallel, each over a connection of its own."""
        with ThreadPoolExecutor(len(moves)) as pool:
            return list(pool.map(self.client.send, moves))

    def run_all_at_once(self, plays: Sequence[Callable[[], None]]) -> None:
        """Run several courses of play in parallel."""
        with ThreadPoolExecutor(len(plays)) as pool:
            for done in [pool.submit(play) for play in plays]:
                done.result()

    def taken(self, move: Move, what: str) -> Answer:
        """Send a message that must succeed."""
        answer = self.send(move)
        self.expect_success(answer, what)
        return answer

    def staked(self, bet: Move, what: str) -> Answer:
        """Send a bet that must succeed, and see it taken from what the player can stake."""
        before = self.bench.books(bet.seat)
        answer = self.taken(bet, what)
        after = self.bench.books(bet.seat)
        cost_minor = 0 if bet.is_free else bet.amount_minor - bet.win_minor
        seen = before.playable_minor - after.playable_minor
        self.check(f"{what}: taken by our ledger", _money(cost_minor), _money(seen))
        return answer

    def check(self, what: str, expected: object, seen: object) -> None:
        self.checks.append(Check(what, str(expected), str(seen), holds=expected == seen))

    def expect_success(self, answer: Answer, what: str) -> None:
        self._judge(what, "success", answer, holds=answer.is_success)

    def expect_repeat(self, first: Answer, again: Answer, what: str) -> None:
        """Expect the first answer once more; where the protocol marks repetitions, marked."""
        marked = not self.dialect.marks_repeats or again.verdict == Verdict.REPEAT
        expected = (
            "the first answer, marked as repeated"
            if self.dialect.marks_repeats
            else (
                f"the first answer, our id {first.our_id!r}" if first.our_id else "the first answer"
            )
        )
        holds = again.is_success and marked and again.our_id == first.our_id
        self._judge(what, expected, again, holds=holds)

    def expect_refused(self, answer: Answer, reason: str, what: str) -> None:
        """Expect a refusal with the protocol's word for a reason.

        Where it has no word, whatever is no success will do: nothing was taken.
        """
        codes = self.dialect.refusals.get(reason)
        if codes is None:
            self._judge(what, f"no success ({reason})", answer, holds=not answer.is_success)
            return
        expected = f"refused with {' or '.join(sorted(codes))}"
        holds = answer.verdict == Verdict.REFUSED and answer.code in codes
        self._judge(what, expected, answer, holds=holds)

    def expect_verdict(self, answer: Answer, what: str, *verdicts: Verdict) -> None:
        expected = " or ".join(verdict.value for verdict in verdicts)
        self._judge(what, expected, answer, holds=answer.verdict in verdicts)

    def expect_shown(self, answer: Answer, balance_minor: int, what: str) -> None:
        """Expect a balance in the answer; an answer without one says nothing wrong."""
        if answer.balance_minor is not None or answer.is_success:
            self.check(f"{what}: balance told", _money(balance_minor), _money(answer.balance_minor))

    def expect_money(self, seat: Seat, playable_minor: int, what: str) -> None:
        """Expect what a player can stake, by our ledger."""
        seen = self.bench.books(seat).playable_minor
        self.check(f"{what}: our ledger", _money(playable_minor), _money(seen))

    def expect_held(self, seat: Seat, held_minor: int, what: str) -> None:
        """Expect what is held of a player's money, by our ledger."""
        seen = self.bench.books(seat).held_minor
        self.check(f"{what}: held", _money(held_minor), _money(seen))

    def expect_lines(self, seat: Seat, before: Books, lines: int, what: str) -> None:
        """Expect so many new ledger lines of a player."""
        new = self.bench.books(seat).lines - before.lines
        seen = f"{new.total()} ({', '.join(sorted(new))})" if new else "0"
        self.checks.append(
            Check(f"{what}: ledger lines", str(lines), seen, holds=new.total() == lines)
        )

    @contextmanager
    def moving_nothing(self, seat: Seat, what: str) -> Iterator[None]:
        """Expect that nothing moves for a player in this block: no balance, no ledger line."""
        before = self.bench.books(seat)
        yield
        after = self.bench.books(seat)
        self.checks.append(
            Check(f"{what}: nothing moves", _said(before), _said(after), holds=before == after)
        )

    def _judge(self, what: str, expected: str, answer: Answer, *, holds: bool) -> None:
        word = f" {answer.code}" if answer.code else ""
        ours = f", our id {answer.our_id!r}" if answer.our_id else ""
        seen = f"{answer.verdict.value}{word} (HTTP {answer.http_status}{ours})"
        self.checks.append(Check(what, expected, seen, holds))


def _money(minor: int | None) -> str:
    return "none" if minor is None else format_minor(minor, CURRENCY)


def _said(books: Books) -> str:
    return (
        f"{_money(books.playable_minor)} playable, {_money(books.held_minor)} held, "
        f"{books.lines.total()} lines"
    )
