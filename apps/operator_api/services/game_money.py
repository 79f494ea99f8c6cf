"""Money between a player's cash and what is set apart for a provider's games."""

import hashlib
from datetime import datetime

from django.db import transaction

from apps.gateway.services.cash_outs import cash_out_player
from apps.gateway.services.game_transfers import balance_at_provider, transfer_in, transfer_out
from apps.gateway.services.sub_wallets import MoneyOrder as ProviderOrder
from apps.gateway.services.sub_wallets import cash_out_sub_wallet, fund_sub_wallet
from apps.operator_api.contracts import (
    CashOutOrder,
    FundedLaunch,
    MoneyMoved,
    MoneyOrder,
    ProviderBalance,
)
from apps.operator_api.enums import TransferDirection
from apps.players.contracts import PlayerRef
from apps.players.selectors import player_by_ref
from apps.providers.enums import WalletModel
from apps.providers.selectors import provider_by_code
from apps.wallet.contracts import GameTransferRef
from apps.wallet.play_models import transferred_pot
from apps.wallet.selectors import balances


@transaction.atomic
def move_game_money(
    order: MoneyOrder, player: PlayerRef, amount_minor: int, *, now: datetime
) -> MoneyMoved:
    """Fill or empty what a player has apart for a provider, in the way of its wallet model.

    Our own sub-wallet moves at once. The provider's wallet is asked, and its answer awaited: the
    state is ``requested``, and a launch waits until it is known.

    Raises:
        UnknownProviderError: there is no such provider.
        DomainError: what ``gateway.services`` says against it.
    """
    provider = provider_by_code(order.provider_code)
    key = _provider_key(order.client_id, order.key)
    wanted = ProviderOrder(player.id, provider.code, amount_minor, order.currency, key)
    is_in = order.direction == TransferDirection.TO_GAME
    asked = None
    if provider.wallet_model == WalletModel.SUB_WALLET:
        (fund_sub_wallet if is_in else cash_out_sub_wallet)(wanted, now=now)
    else:
        asked = (transfer_in if is_in else transfer_out)(wanted, now=now)
    return _moved(order, player, wanted, asked, now)


@transaction.atomic
def fund_session(
    launch: FundedLaunch, player: PlayerRef, session_id: str, amount_minor: int, *, now: datetime
) -> MoneyMoved:
    """Set cash apart for the session that is opened in the same transaction.

    Raises:
        WrongWalletModelError: the provider isn't played from a sub-wallet of ours.
        DomainError: what ``gateway.services`` says against it.
    """
    request = launch.request
    key = _provider_key(request.client_id, request.key)
    wanted = ProviderOrder(
        player.id, launch.provider_code, amount_minor, player.currency, key, session_id
    )
    fund_sub_wallet(wanted, now=now)
    order = MoneyOrder(
        client_id=request.client_id,
        key=request.key,
        player_ref=player.player_ref,
        direction=TransferDirection.TO_GAME,
        amount=launch.amount,
        currency=player.currency,
        reference="",
        provider_code=launch.provider_code,
    )
    return _moved(order, player, wanted, None, now)


@transaction.atomic
def cash_out(order: CashOutOrder, *, now: datetime) -> MoneyMoved:
    """Bring all back that a player has apart for a provider's games, whatever its model is now.

    Raises:
        UnknownPlayerError, UnknownProviderError: there is no such player or provider.
        NothingAtProviderError: the player has nothing there.
        DomainError: what ``gateway.services`` says against it.
    """
    player = player_by_ref(order.player_ref)
    provider = provider_by_code(order.provider_code)
    key = _provider_key(order.client_id, order.key)
    done = cash_out_player(
        player_id=player.id, provider_code=provider.code, idempotency_key=key, now=now
    )
    moved = ProviderOrder(player.id, provider.code, done.amount_minor, player.currency, key)
    back = MoneyOrder(
        client_id=order.client_id,
        key=order.key,
        player_ref=player.player_ref,
        direction=TransferDirection.FROM_GAME,
        amount="",
        currency=player.currency,
        reference=order.reference,
        provider_code=provider.code,
    )
    return _moved(back, player, moved, done.transfer, now)


def provider_balance(player: PlayerRef, provider_code: str, *, now: datetime) -> ProviderBalance:
    """Ask a provider what a player's wallet there holds, beside what we believe it does.

    Raises:
        UnknownProviderError: there is no such provider.
        NoTransferAddressError, NoOrderKeyError: it isn't played from its own wallet.
        OutboundRequestError, UnreadableAnswerError: it gave no usable answer.
    """
    provider = provider_by_code(provider_code)
    theirs = balance_at_provider(provider.code, player.player_ref, player.currency, now)
    return ProviderBalance(
        player_ref=player.player_ref,
        provider_code=provider.code,
        currency=player.currency,
        ours_minor=balances(player.id).get(transferred_pot(provider.code), 0),
        theirs_minor=theirs,
        asked_at=now,
    )


def _provider_key(client_id: int, key: str) -> str:
    return f"operator:{client_id}:{hashlib.sha256(key.encode()).hexdigest()[:40]}"


def _moved(
    order: MoneyOrder,
    player: PlayerRef,
    moved: ProviderOrder,
    asked: GameTransferRef | None,
    now: datetime,
) -> MoneyMoved:
    return MoneyMoved(
        transfer_id=moved.idempotency_key if asked is None else asked.public_id,
        state="posted" if asked is None else "requested",
        player_ref=player.player_ref,
        direction=order.direction,
        amount_minor=moved.amount_minor,
        currency=moved.currency,
        reference=order.reference,
        balances=balances(player.id),
        posted_at=now,
    )
