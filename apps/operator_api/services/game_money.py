"""Money between a player's cash and what is set apart for a provider's games."""

import hashlib
from datetime import datetime

from django.db import transaction

from apps.gateway.services.game_transfers import transfer_in, transfer_out
from apps.gateway.services.sub_wallets import MoneyOrder as ProviderOrder
from apps.gateway.services.sub_wallets import cash_out_sub_wallet, fund_sub_wallet
from apps.operator_api.contracts import MoneyMoved, MoneyOrder
from apps.operator_api.enums import TransferDirection
from apps.players.contracts import PlayerRef
from apps.providers.enums import WalletModel
from apps.providers.selectors import provider_by_code
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
    key = f"operator:{order.client_id}:{hashlib.sha256(order.key.encode()).hexdigest()[:40]}"
    wanted = ProviderOrder(player.id, provider.code, amount_minor, order.currency, key)
    is_in = order.direction == TransferDirection.TO_GAME
    transfer_id, state = key, "posted"
    if provider.wallet_model == WalletModel.SUB_WALLET:
        (fund_sub_wallet if is_in else cash_out_sub_wallet)(wanted, now=now)
    else:
        asked = (transfer_in if is_in else transfer_out)(wanted, now=now)
        transfer_id, state = asked.public_id, "requested"
    return MoneyMoved(
        transfer_id=transfer_id,
        state=state,
        player_ref=player.player_ref,
        direction=order.direction,
        amount_minor=amount_minor,
        currency=order.currency,
        reference=order.reference,
        balances=balances(player.id),
        posted_at=now,
    )
