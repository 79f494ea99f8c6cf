"""Money between a player's cash and the world outside, or what is set apart for a game."""

from datetime import datetime
from typing import Final

from django.db import transaction

from apps.core.errors import InvalidAmountError
from apps.core.money import format_minor, to_minor
from apps.operator_api.contracts import MoneyMoved, MoneyOrder
from apps.operator_api.enums import TransferDirection
from apps.operator_api.errors import (
    DepositRefusedError,
    NotEligibleError,
    PlayRefusedError,
    WrongCurrencyError,
)
from apps.operator_api.services.eligibility import withdrawal_eligibility
from apps.operator_api.services.game_money import move_game_money
from apps.players.contracts import PlayerRef
from apps.players.locks import lock_player
from apps.players.selectors import player_by_id, player_by_ref, protection_reasons
from apps.players.services import count_deposit, deposit_refusal
from apps.wallet.contracts import (
    LARGEST_AMOUNT_MINOR,
    LARGEST_CREDITED_MINOR,
    House,
    PlayerPot,
    TransferRequest,
)
from apps.wallet.enums import Pot, TransferKind
from apps.wallet.errors import BalanceTooLargeError
from apps.wallet.selectors import balances, transfers_for_subject
from apps.wallet.services.ledger import post_transfers

_HOUSE_IN: Final = House("deposits")
_HOUSE_OUT: Final = House("withdrawals")


def move_money(order: MoneyOrder, *, now: datetime) -> MoneyMoved:
    """Move a player's money once; call it in the transaction that keeps the order's key.

    What protection said of a deposit is logged there as well, whatever it said.

    Raises:
        UnknownPlayerError, InvalidAmountError, WrongCurrencyError: as they say.
        DepositRefusedError: a limit or an exclusion speaks against a deposit.
        PlayRefusedError: the player may not play, so no money goes to a game.
        NotEligibleError: something must be resolved before a withdrawal.
        BalanceTooLargeError: the player would have more than one player may.
        InsufficientFundsError: there is less than is to be moved.
        DomainError: what the provider's wallet model says against it (``gateway.services``).
    """
    player = player_by_ref(order.player_ref)
    if order.currency != player.currency:
        raise WrongCurrencyError(player.currency)
    amount_minor = transferable_minor(order.amount, order.currency)
    if order.direction == TransferDirection.TO_GAME:
        require_may_play(player, now=now)
    if order.direction in {TransferDirection.TO_GAME, TransferDirection.FROM_GAME}:
        return move_game_money(order, player, amount_minor, now=now)
    if order.direction == TransferDirection.DEPOSIT:
        _require_may_deposit(player, amount_minor, now=now)
    else:
        _require_may_withdraw(player, now=now)
    return _post(order, player, amount_minor, now=now)


def transferable_minor(amount: str, currency: str) -> int:
    """Return an amount that one transfer may move, in minor units.

    Raises:
        InvalidAmountError: it is zero, finer than the currency, or more than one transfer moves.
    """
    amount_minor = to_minor(amount, currency)
    if amount_minor == 0:
        raise InvalidAmountError(amount, "it is zero")
    if amount_minor > LARGEST_AMOUNT_MINOR:
        most = format_minor(LARGEST_AMOUNT_MINOR, currency)
        raise InvalidAmountError(amount, f"one transfer moves {most} {currency} at most")
    return amount_minor


def require_may_play(player: PlayerRef, *, now: datetime) -> None:
    """Keep money out of games for who is excluded or blocked; a used-up limit ends by itself.

    Raises:
        PlayRefusedError: the player may not play.
    """
    lock_player(player.id)
    for reason in protection_reasons(player_by_id(player.id), now):
        if not reason.is_limit:
            raise PlayRefusedError((reason,))


def _require_may_deposit(player: PlayerRef, amount_minor: int, *, now: datetime) -> None:
    reasons = deposit_refusal(player.id, amount_minor, now)
    if reasons:
        raise DepositRefusedError(reasons)
    if sum(balances(player.id).values()) + amount_minor > LARGEST_CREDITED_MINOR:
        raise BalanceTooLargeError


def _require_may_withdraw(player: PlayerRef, *, now: datetime) -> None:
    blocking = tuple(r for r in withdrawal_eligibility(player, now=now).reasons if r.blocks)
    if blocking:
        raise NotEligibleError(blocking)


@transaction.atomic
def _post(order: MoneyOrder, player: PlayerRef, amount_minor: int, *, now: datetime) -> MoneyMoved:
    is_deposit = order.direction == TransferDirection.DEPOSIT
    cash = PlayerPot(player.id, Pot.CASH)
    # The request's own key, once more, where the money is: the ledger refuses a second time too.
    subject = f"operator:{order.client_id}:{order.key}"
    transfer = TransferRequest(
        idempotency_key=subject,
        debit=_HOUSE_IN if is_deposit else cash,
        credit=cash if is_deposit else _HOUSE_OUT,
        amount_minor=amount_minor,
        currency=order.currency,
        kind=TransferKind.DEPOSIT if is_deposit else TransferKind.WITHDRAWAL,
        subject=subject,
        occurred_at=now,
        note=order.reference,
    )
    post_transfers([transfer], now=now)
    if is_deposit:
        count_deposit(player.id, amount_minor, now)
    [line] = transfers_for_subject(subject)
    return MoneyMoved(
        transfer_id=str(line.id),
        state="posted",
        player_ref=player.player_ref,
        direction=order.direction,
        amount_minor=amount_minor,
        currency=order.currency,
        reference=order.reference,
        balances=balances(player.id),
        posted_at=line.created_at,
    )
