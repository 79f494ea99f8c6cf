"""Transfers between a player's cash and the player's wallet at a provider: one row, one fate.

requested -> unresolved -> confirmed or failed. A transfer is *unresolved* from the moment before
the provider is first asked: a process that dies while it waits must not leave a row that looks
unsent. On every path the player's pots are locked before the row, so that a new transfer and the
decision on an old one wait for each other and never deadlock.
"""

import logging
import uuid
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction

from apps.core.services import record_audit
from apps.core.services.publish import publish
from apps.staff.services.approvals import Person
from apps.wallet.contracts import GameTransferRef, House, PlayerPot, TransferOrder, TransferRequest
from apps.wallet.enums import Direction, GameTransferState, Pot, TransferKind
from apps.wallet.errors import (
    IdempotencyConflictError,
    TransferDecidedError,
    TransferUnresolvedError,
    UnknownAccountError,
    UnknownGameTransferError,
)
from apps.wallet.events import GameTransferRequested
from apps.wallet.models import GameTransfer
from apps.wallet.play_models import transferred_pot
from apps.wallet.selectors import transfer_ref
from apps.wallet.services.ledger import lock_wallets, post_transfers

logger = logging.getLogger(__name__)

_FIRST_PAUSE: Final = timedelta(seconds=10)
_LONGEST_PAUSE: Final = timedelta(minutes=15)
_OPEN: Final = (GameTransferState.REQUESTED, GameTransferState.UNRESOLVED)
_KINDS: Final = {
    Direction.IN: (
        TransferKind.TRANSFER_IN,
        TransferKind.TRANSFER_IN_DONE,
        TransferKind.TRANSFER_IN_FAILED,
    ),
    Direction.OUT: (
        TransferKind.TRANSFER_OUT,
        TransferKind.TRANSFER_OUT_DONE,
        TransferKind.TRANSFER_OUT_FAILED,
    ),
}


@transaction.atomic
def request_transfer(order: TransferOrder, *, now: datetime) -> GameTransferRef:
    """Take money out of the pot it comes from and ask for it to be moved, once per key.

    A repeat with the same key and content returns the first transfer, whatever became of it.

    Raises:
        IdempotencyConflictError: the key was used for another transfer.
        TransferUnresolvedError: one with this provider is still on its way for this player.
        InsufficientFundsError: the pot holds less.
        UnknownAccountError: the player has no accounts.
    """
    currency = _lock_player(order.player_id)
    existing = GameTransfer.objects.filter(idempotency_key=order.idempotency_key).first()
    if existing is not None:
        if not _is_same(existing, order):
            raise IdempotencyConflictError(order.idempotency_key)
        return transfer_ref(existing)
    is_open = GameTransfer.objects.filter(
        player_id=order.player_id, provider_code=order.provider_code, state__in=_OPEN
    ).exists()
    if is_open:
        raise TransferUnresolvedError(
            f"A transfer with {order.provider_code} is still on its way; ask about that one first."
        )
    transfer = GameTransfer.objects.create(
        public_id=uuid.uuid4(),
        idempotency_key=order.idempotency_key,
        provider_id=order.provider_id,
        provider_code=order.provider_code,
        player_id=order.player_id,
        direction=order.direction,
        amount_minor=order.amount_minor,
        currency=currency,
        requested_at=now,
        next_attempt_at=now,
    )
    started, _, _ = _KINDS[Direction(order.direction)]
    source, _ = _pots(transfer)
    _post(transfer, started, source, _transit(transfer), now)
    publish(GameTransferRequested(transfer_id=transfer.pk), now=now)
    return transfer_ref(transfer)


@transaction.atomic
def begin_attempt(transfer_id: int, *, now: datetime) -> GameTransferRef | None:
    """Mark a due transfer as being asked about; None where it is decided or not due.

    The next attempt is put off with growing pauses, so that a second process leaves it alone.

    Raises:
        UnknownGameTransferError: there is no such transfer.
    """
    transfer = _lock_transfer(transfer_id)
    due_at = transfer.next_attempt_at
    if transfer.state not in _OPEN or due_at is None or due_at > now:
        return None
    pause = min(_FIRST_PAUSE * 2 ** min(transfer.attempts, 12), _LONGEST_PAUSE)
    transfer.state = GameTransferState.UNRESOLVED
    transfer.attempts += 1
    transfer.next_attempt_at = now + pause
    transfer.save(update_fields=["state", "attempts", "next_attempt_at"])
    return transfer_ref(transfer)


@transaction.atomic
def decide_transfer(
    transfer_id: int, state: GameTransferState, *, code: str, now: datetime
) -> None:
    """Book what the provider said became of a transfer, once; a later word changes nothing.

    Where it says otherwise than what people decided while it was asked, that is put on record.

    Raises:
        UnknownGameTransferError: there is no such transfer.
    """
    transfer = _lock_transfer(transfer_id)
    if transfer.state not in _OPEN:
        if transfer.state != state:
            _note_contradiction(transfer, state, code, now)
        return
    _, done, failed = _KINDS[Direction(transfer.direction)]
    source, target = _pots(transfer)
    is_done = state == GameTransferState.CONFIRMED
    _post(
        transfer,
        done if is_done else failed,
        _transit(transfer),
        target if is_done else source,
        now,
    )
    transfer.state = GameTransferState.CONFIRMED if is_done else GameTransferState.FAILED
    transfer.decided_at = now
    transfer.next_attempt_at = None
    transfer.code = code
    transfer.last_error = ""
    transfer.save(update_fields=["state", "decided_at", "next_attempt_at", "code", "last_error"])


def _note_contradiction(
    transfer: GameTransfer, said: GameTransferState, code: str, now: datetime
) -> None:
    logger.error("wallet.transfer.contradicted", extra={"transfer_id": transfer.pk})
    record_audit(
        action="wallet.transfer.contradicted",
        actor=None,
        subject=f"game-transfer:{transfer.public_id}",
        details={"booked": str(transfer.state), "provider_says": str(said), "code": code},
        now=now,
    )


def note_error(transfer_id: int, error: str) -> None:
    """Keep why an attempt gave no answer, for people."""
    GameTransfer.objects.filter(pk=transfer_id, state__in=_OPEN).update(last_error=error[:200])


@transaction.atomic
def ask_again(*, transfer_id: int, acting_user: Person, reason: str, now: datetime) -> None:
    """Make an undecided transfer due at once.

    Raises:
        UnknownGameTransferError: there is no such transfer.
        TransferDecidedError: it is confirmed or failed.
    """
    transfer = _lock_open(transfer_id)
    transfer.next_attempt_at = now
    transfer.save(update_fields=["next_attempt_at"])
    publish(GameTransferRequested(transfer_id=transfer.pk), now=now)
    record_audit(
        action="wallet.transfer.asked_again",
        actor=acting_user,
        subject=f"game-transfer:{transfer.public_id}",
        details={"attempts": transfer.attempts},
        reason=reason,
        now=now,
    )


def lock_open_transfer(transfer_id: int) -> GameTransferRef:
    """Lock a transfer that nobody has decided; it stays so until the caller's transaction ends.

    Raises:
        UnknownGameTransferError: there is no such transfer.
        TransferDecidedError: it is confirmed or failed.
    """
    return transfer_ref(_lock_open(transfer_id))


def _lock_open(transfer_id: int) -> GameTransfer:
    transfer = _lock_transfer(transfer_id)
    if transfer.state not in _OPEN:
        raise TransferDecidedError(f"The transfer is {transfer.get_state_display().lower()}.")
    return transfer


def _lock_player(player_id: int) -> str:
    with connection.cursor() as cursor:
        wallets = lock_wallets(cursor, player_ids=[player_id])
    if not wallets:
        raise UnknownAccountError(f"Player {player_id} has no accounts.")
    return wallets[0].currency


def _lock_transfer(transfer_id: int) -> GameTransfer:
    owner = GameTransfer.objects.filter(pk=transfer_id).values_list("player_id", flat=True).first()
    if owner is None:
        raise UnknownGameTransferError(f"There is no transfer {transfer_id}.")
    _lock_player(owner)
    locked = GameTransfer.objects.select_for_update(of=["self"]).select_related("player")
    return locked.get(pk=transfer_id)


def _is_same(existing: GameTransfer, order: TransferOrder) -> bool:
    return (
        existing.player_id,
        existing.provider_id,
        existing.direction,
        existing.amount_minor,
    ) == (order.player_id, order.provider_id, order.direction, order.amount_minor)


def _pots(transfer: GameTransfer) -> tuple[PlayerPot, PlayerPot]:
    """Return where the money comes from and where it goes when the provider confirms."""
    cash = PlayerPot(transfer.player_id, Pot.CASH)
    there = PlayerPot(transfer.player_id, transferred_pot(transfer.provider_code))
    return (cash, there) if transfer.direction == Direction.IN else (there, cash)


def _transit(transfer: GameTransfer) -> House:
    return House(f"in_transit:{transfer.provider_code}")


def _post(
    transfer: GameTransfer,
    kind: TransferKind,
    debit: PlayerPot | House,
    credit: PlayerPot | House,
    now: datetime,
) -> None:
    subject = f"game-transfer:{transfer.public_id}"
    started, _, failed = _KINDS[Direction(transfer.direction)]
    request = TransferRequest(
        idempotency_key=f"{subject}:{kind}",
        debit=debit,
        credit=credit,
        amount_minor=transfer.amount_minor,
        currency=transfer.currency,
        kind=kind,
        subject=subject,
        occurred_at=now,
        reverses_key=f"{subject}:{started}" if kind == failed else "",
    )
    post_transfers([request], now=now)
