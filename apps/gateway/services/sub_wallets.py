"""Filling, emptying and sweeping the pots that are set apart for playing at a provider."""

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction

from apps.core.batches import Cursor
from apps.core.services import record_audit
from apps.gateway import statements
from apps.gateway.errors import (
    ProviderNotLiveError,
    ProviderOffError,
    RoundsOpenError,
    WrongWalletModelError,
)
from apps.players.selectors import rehearsal_player_ids
from apps.providers.enums import WalletModel
from apps.providers.selectors.id_scopes import providers_without_closing
from apps.providers.services.wallet_model import WalletSetting, pin_wallet_model
from apps.wallet.contracts import PlayerPot, TransferRequest, Wallet
from apps.wallet.enums import Pot, TransferKind
from apps.wallet.play_models import session_subject, sub_pot
from apps.wallet.services import ledger

PLAYED_FOR: Final = timedelta(minutes=15)
"""How long after its last message a round may still be played that no message closes. A win that
comes later is paid into the pot all the same, and swept from it."""
_PLAYERS_PER_STEP: Final = 200


@dataclass(frozen=True, slots=True)
class MoneyOrder:
    """So much of a player's money for a provider, once per key.

    ``session_id`` is the public id of the session that it is for, where it is for one.
    """

    player_id: int
    provider_code: str
    amount_minor: int
    currency: str
    idempotency_key: str
    session_id: str = ""

    @property
    def subject(self) -> str:
        if self.session_id:
            return session_subject(self.session_id)
        return f"{sub_pot(self.provider_code)}:{self.player_id}"


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What a sweep moved to the main ledger, by currency, and whom it left in play."""

    provider_code: str
    pots: int
    moved: tuple[tuple[str, int], ...]
    left_in_play: int


@transaction.atomic
def fund_sub_wallet(order: MoneyOrder, *, now: datetime) -> bool:
    """Move cash into a player's sub-wallet, at session start or as a top-up, once per key.

    Returns False where the key was used for this before.

    Raises:
        WrongWalletModelError: the provider isn't played from a sub-wallet.
        ProviderOffError, ProviderNotLiveError: the player may start nothing new there.
        UnknownProviderError: there is no such provider.
        InsufficientFundsError: the player has less cash.
        IdempotencyConflictError: the key was used for something else.
        CurrencyMismatchError, UnknownAccountError: as they say.
    """
    setting = pin_wallet_model(order.provider_code)
    require_model(setting, WalletModel.SUB_WALLET)
    request = _request(order, TransferKind.SUB_FUND, Pot.CASH, sub_pot(order.provider_code), now)
    with connection.cursor() as cursor:
        # What went before the provider was switched off is told again as it was.
        if not ledger.is_posted(cursor, request.idempotency_key):
            require_open(setting, order.player_id)
    return ledger.post_transfers([request], now=now) == 1


@transaction.atomic
def cash_out_sub_wallet(order: MoneyOrder, *, now: datetime) -> bool:
    """Move money of a sub-wallet back to cash, once per key; also where the model has changed.

    Raises:
        RoundsOpenError: a round is open; what it may still cost or win isn't withdrawable.
        InsufficientFundsError: the sub-wallet holds less.
        IdempotencyConflictError: the key was used for something else.
        UnknownProviderError, CurrencyMismatchError, UnknownAccountError: as they say.
    """
    setting = pin_wallet_model(order.provider_code)
    request = _request(
        order, TransferKind.SUB_CASH_OUT, sub_pot(order.provider_code), Pot.CASH, now
    )
    with connection.cursor() as cursor:
        ledger.lock_wallets(cursor, player_ids=[order.player_id])
        is_new = not ledger.is_posted(cursor, request.idempotency_key)
        if is_new and in_play(cursor, setting.provider_id, [order.player_id], now=now):
            raise RoundsOpenError(f"A round at {order.provider_code} is still open.")
    return ledger.post_transfers([request], now=now) == 1


def sweep_sub_wallets(provider_code: str, *, now: datetime) -> SweepReport:
    """Move every sub-wallet of a provider to its player's cash, but for players in play.

    One transaction per step of players. Safe to repeat and beside another sweep: each reads the
    balances under the players' locks, and what was swept is nothing any more.

    Raises:
        UnknownProviderError: there is no such provider.
    """
    moved: Counter[str] = Counter()
    pots = left = last_id = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                statements.FILLED_POTS, [sub_pot(provider_code), last_id, _PLAYERS_PER_STEP]
            )
            filled = cursor.fetchall()
        if not filled:
            break
        last_id = filled[-1][0]
        swept, skipped = _sweep_step(provider_code, [row[1] for row in filled], now)
        for request in swept:
            moved[request.currency] += request.amount_minor
        pots += len(swept)
        left += skipped
    report = SweepReport(provider_code, pots, tuple(sorted(moved.items())), left)
    if pots or left:
        record_audit(
            action="gateway.sub_wallets.swept",
            actor=None,
            subject=f"provider:{provider_code}",
            details={"pots": pots, "moved_minor": dict(moved), "left_in_play": left},
            now=now,
        )
    return report


def in_play(
    cursor: Cursor, provider_id: int, player_ids: Sequence[int], *, now: datetime
) -> set[int]:
    """Return the players of the list who have an open round at a provider.

    Where the provider's messages never close one, it is over ``PLAYED_FOR`` after its last message.
    """
    never_closes = provider_id in providers_without_closing()
    since = now - PLAYED_FOR if never_closes else None
    cursor.execute(statements.PLAYERS_IN_PLAY, [provider_id, list(player_ids), since, since])
    return {row[0] for row in cursor.fetchall()}


def require_model(setting: WalletSetting, model: WalletModel) -> None:
    """Refuse what only another wallet model can do.

    Raises:
        WrongWalletModelError: the provider has another one.
    """
    if setting.wallet_model != model:
        current = WalletModel(setting.wallet_model).label
        raise WrongWalletModelError(
            f"{setting.provider_code} is played with: {current}. This needs: {model.label}."
        )


def require_open(setting: WalletSetting, player_id: int) -> None:
    """Refuse new money for a provider where the player may place no new stake.

    Raises:
        ProviderOffError: the provider is switched off.
        ProviderNotLiveError: it is not live yet, and the player is no test player.
    """
    if not setting.is_active:
        raise ProviderOffError(setting.provider_code)
    if not setting.is_live and player_id not in rehearsal_player_ids():
        raise ProviderNotLiveError(setting.provider_code)


@transaction.atomic
def _sweep_step(
    provider_code: str, player_ids: list[int], now: datetime
) -> tuple[list[TransferRequest], int]:
    setting = pin_wallet_model(provider_code)
    pot = sub_pot(provider_code)
    with connection.cursor() as cursor:
        wallets = {w.player_id: w for w in ledger.lock_wallets(cursor, player_ids=player_ids)}
        playing = in_play(cursor, setting.provider_id, player_ids, now=now)
        requests = [
            _sweep_request(wallet, provider_code, now)
            for wallet in wallets.values()
            if wallet.player_id not in playing and wallet.balances[pot] > 0
        ]
        ledger.write_transfers(cursor, requests, wallets, {}, now=now)
    return requests, len(playing)


def _sweep_request(wallet: Wallet, provider_code: str, now: datetime) -> TransferRequest:
    pot = sub_pot(provider_code)
    return TransferRequest(
        # The balance under the lock makes it once, not the key: a pot may fill up again.
        idempotency_key=f"sub-sweep:{uuid.uuid4()}",
        debit=PlayerPot(wallet.player_id, pot),
        credit=PlayerPot(wallet.player_id, Pot.CASH),
        amount_minor=wallet.balances[pot],
        currency=wallet.currency,
        kind=TransferKind.SUB_SWEEP,
        subject=f"sub:{provider_code}:{wallet.player_id}",
        occurred_at=now,
    )


def _request(
    order: MoneyOrder, kind: TransferKind, source: str, target: str, now: datetime
) -> TransferRequest:
    return TransferRequest(
        idempotency_key=f"{kind}:{order.idempotency_key}",
        debit=PlayerPot(order.player_id, source),
        credit=PlayerPot(order.player_id, target),
        amount_minor=order.amount_minor,
        currency=order.currency,
        kind=kind,
        subject=order.subject,
        occurred_at=now,
    )
