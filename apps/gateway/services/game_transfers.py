"""Asking a provider to move money, and what became of it, until it is known."""

import logging
import time
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from apps.core import http
from apps.core.errors import (
    ConnectionFailedError,
    OutboundRequestError,
    RequestTimedOutError,
)
from apps.gateway.errors import NoOrderKeyError, NoTransferAddressError
from apps.gateway.services.sub_wallets import MoneyOrder, require_model, require_open
from apps.providers.adapters.native.signing import sign
from apps.providers.contracts import WebhookKey
from apps.providers.enums import WalletModel
from apps.providers.selectors.catalogue import provider_by_code, transfer_address
from apps.providers.selectors.keys import order_keys
from apps.providers.services.wallet_model import WalletSetting, pin_wallet_model
from apps.wallet import transfer_api
from apps.wallet.contracts import GameTransferRef, TransferOrder
from apps.wallet.enums import Direction, GameTransferState
from apps.wallet.errors import UnreadableAnswerError
from apps.wallet.play_models import transferred_pot
from apps.wallet.selectors import balances, due_transfers, transfer_by_key
from apps.wallet.services import game_transfers
from apps.wallet.transfer_api import ProviderWord, TransferAnswer

logger = logging.getLogger(__name__)

_TIMEOUT_SECONDS: Final = 10.0
"""How long a provider may take; then its status decides."""
_RUN_SECONDS: Final = 20.0
"""How long a run goes on asking: the next begins half a minute after it, with what is left."""
_UNASKED: Final = (
    OutboundRequestError,
    UnreadableAnswerError,
    NoTransferAddressError,
    NoOrderKeyError,
)
_SILENCE: Final = (RequestTimedOutError, ConnectionFailedError)
_FATES: Final = {
    ProviderWord.CONFIRMED: GameTransferState.CONFIRMED,
    ProviderWord.FAILED: GameTransferState.FAILED,
}


@transaction.atomic
def transfer_in(order: MoneyOrder, *, now: datetime) -> GameTransferRef:
    """Take cash for a player's wallet at a provider and have the provider told, once per key.

    Raises:
        WrongWalletModelError: the provider isn't played from its own wallet.
        ProviderOffError, ProviderNotLiveError: the player may start nothing new there.
        NoTransferAddressError: nobody has entered where the provider takes transfers.
        NoOrderKeyError: no key in force signs orders to the provider.
        UnknownProviderError: there is no such provider.
        IdempotencyConflictError, TransferUnresolvedError, InsufficientFundsError: see
            ``wallet.services.game_transfers.request_transfer``.
    """
    setting = pin_wallet_model(order.provider_code)
    require_model(setting, WalletModel.TRANSFER)
    if transfer_by_key(order.idempotency_key) is None:
        require_open(setting, order.player_id)
    _require_reachable(setting, now)
    return game_transfers.request_transfer(
        _wanted(order, setting.provider_id, Direction.IN), now=now
    )


@transaction.atomic
def transfer_out(order: MoneyOrder, *, now: datetime) -> GameTransferRef:
    """Ask money of a player's wallet at a provider back, once per key; whatever the model is now.

    Raises:
        NoTransferAddressError, NoOrderKeyError, UnknownProviderError, IdempotencyConflictError,
        TransferUnresolvedError, InsufficientFundsError: as ``transfer_in``.
    """
    setting = pin_wallet_model(order.provider_code)
    _require_reachable(setting, now)
    return game_transfers.request_transfer(
        _wanted(order, setting.provider_id, Direction.OUT), now=now
    )


def cash_out_all(
    *, player_id: int, provider_code: str, currency: str, idempotency_key: str, now: datetime
) -> GameTransferRef | None:
    """Ask back all that a player has at a provider; None where that is nothing.

    A repeat with the same key asks nothing new, although the pot is empty by then.

    Raises:
        What ``transfer_out`` raises.
    """
    first = transfer_by_key(idempotency_key)
    amount = balances(player_id).get(transferred_pot(provider_code), 0)
    if first is not None:
        amount = first.amount_minor
    if not amount:
        return None
    order = MoneyOrder(player_id, provider_code, amount, currency, idempotency_key)
    return transfer_out(order, now=now)


def pursue_transfer(transfer_id: int, *, now: datetime) -> bool:
    """Tell the provider, or ask it what became of the transfer; True once its fate is booked.

    Must not run in a transaction: the call takes its time. Where the provider has not heard of
    the transfer it is told again, under the same id; only its own word makes a transfer fail.

    Raises:
        UnknownGameTransferError: there is no such transfer.
    """
    try:
        return _pursue(transfer_id, now)
    except _SILENCE:
        return False


def _pursue(transfer_id: int, now: datetime) -> bool:
    """Pursue a transfer.

    Raises:
        RequestTimedOutError, ConnectionFailedError: the provider says nothing; that is noted.
        UnknownGameTransferError: there is no such transfer.
    """
    transfer = game_transfers.begin_attempt(transfer_id, now=now)
    if transfer is None:
        return False
    try:
        answer = _ask(transfer, now)
    except _UNASKED as error:
        game_transfers.note_error(transfer_id, f"{error.code}: {error}")
        logger.warning(
            "gateway.transfer.unanswered",
            extra={"transfer_id": transfer_id, "error": error.code},
        )
        if isinstance(error, _SILENCE):
            raise
        return False
    fate = _FATES.get(answer.word)
    if fate is None:
        game_transfers.note_error(transfer_id, "The provider doesn't know it, though just told.")
        return False
    game_transfers.decide_transfer(transfer_id, fate, code=answer.code, now=now)
    return True


def pursue_due_transfers(*, now: datetime, limit: int = 50) -> int:
    """Pursue the transfers whose time has come, some of each provider; return how many are decided.

    One that fails comes again with a later run, and takes none of the others with it. A provider
    that says nothing is asked no more in this run: each question to it takes its time, and the
    worker has other work. For that reason slow answers end a run too, and what is left goes first
    in the next.
    """
    decided = 0
    end = time.monotonic() + _RUN_SECONDS
    silent: set[int] = set()
    for transfer_id, provider_id in due_transfers(limit=limit, now=now):
        if provider_id in silent:
            continue
        try:
            decided += _pursue(transfer_id, now)
        except _SILENCE:
            silent.add(provider_id)
        except Exception:
            logger.exception("gateway.transfer.failed", extra={"transfer_id": transfer_id})
        if time.monotonic() > end:
            break
    return decided


def balance_at_provider(provider_code: str, player_ref: str, currency: str, now: datetime) -> int:
    """Return what a player's wallet at a provider holds by the provider's word, in minor units.

    Raises:
        OutboundRequestError, UnreadableAnswerError: the provider gave no usable answer.
        NoTransferAddressError, NoOrderKeyError, UnknownProviderError: as they say.
    """
    provider = provider_by_code(provider_code)
    body = transfer_api.balance_body(player_ref, currency)
    # A question of its own each time: a provider may answer a repeated id from its memory.
    answered = _post(provider.pk, transfer_api.BALANCE, body, f"balance-{uuid.uuid4()}", now)
    return transfer_api.read_balance_answer(answered, currency)


def _ask(transfer: GameTransferRef, now: datetime) -> TransferAnswer:
    public_id = transfer.public_id
    if transfer.attempts > 1:
        body = transfer_api.status_body(public_id)
        answered = _post(transfer.provider_id, transfer_api.STATUS, body, public_id, now)
        answer = transfer_api.read_transfer_answer(answered, public_id)
        if answer.word != ProviderWord.NOT_FOUND:
            return answer
    body = transfer_api.transfer_body(transfer)
    answered = _post(transfer.provider_id, transfer_api.TRANSFERS, body, public_id, now)
    return transfer_api.read_transfer_answer(answered, public_id)


def _post(provider_id: int, path: str, body: bytes, message_id: str, now: datetime) -> bytes:
    code, address = transfer_address(provider_id)
    if not address:
        raise NoTransferAddressError(f"{code} has no address for transfers.")
    keys = order_keys(provider_id, now=now)
    if not keys:
        raise NoOrderKeyError(code)
    response = http.post(
        f"{address.rstrip('/')}{path}",
        content=body,
        headers=_headers(keys, message_id, body, now),
        timeout_seconds=_TIMEOUT_SECONDS,
        max_bytes=transfer_api.MOST_BYTES,
    )
    return response.body


def _headers(
    keys: Sequence[WebhookKey], message_id: str, body: bytes, now: datetime
) -> dict[str, str]:
    timestamp = str(int(now.timestamp()))
    signatures = [sign(key.secret, message_id, timestamp, body) for key in keys]
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }


def _require_reachable(setting: WalletSetting, now: datetime) -> None:
    if not setting.transfer_url:
        raise NoTransferAddressError(f"{setting.provider_code} has no address for transfers.")
    if not order_keys(setting.provider_id, now=now):
        raise NoOrderKeyError(setting.provider_code)


def _wanted(order: MoneyOrder, provider_id: int, direction: Direction) -> TransferOrder:
    return TransferOrder(
        player_id=order.player_id,
        provider_id=provider_id,
        provider_code=order.provider_code,
        direction=direction,
        amount_minor=order.amount_minor,
        idempotency_key=order.idempotency_key,
    )
