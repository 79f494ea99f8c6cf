"""All that ever writes money: transfers and the balances that follow from them."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db import connection, transaction

from apps.core.batches import Cursor, columns
from apps.wallet import statements
from apps.wallet.contracts import (
    LARGEST_BALANCE_MINOR,
    RECEIVABLE,
    Debt,
    EndedDebt,
    House,
    PlayerPot,
    PostedLine,
    Side,
    TransferRequest,
    Wallet,
)
from apps.wallet.enums import DEBT_ENDS, HOLD_ENDS, Pot, TransferKind
from apps.wallet.errors import (
    BalanceTooLargeError,
    CurrencyMismatchError,
    HoldAmountError,
    HoldEndedError,
    IdempotencyConflictError,
    InsufficientFundsError,
    UnknownAccountError,
)
from apps.wallet.play_models import provider_of_pot

HouseAccounts = dict[tuple[str, str], int]


@transaction.atomic
def open_accounts(players: Iterable[tuple[int, str]]) -> None:
    """Open every pot of each ``(player id, currency)``; pots that stand already are left alone."""
    rows = [(player_id, pot.value, currency) for player_id, currency in players for pot in Pot]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(statements.OPEN_PLAYER_ACCOUNTS, columns(rows))


@transaction.atomic
def post_transfers(requests: Sequence[TransferRequest], *, now: datetime) -> int:
    """Record transfers once, all or none, and return how many were new.

    A key used before for the same movement is skipped: the first one stands. Players' pots are
    locked in id order before anything is read.

    Raises:
        InsufficientFundsError: a player's pot would go below zero.
        BalanceTooLargeError: a player's pot would hold more than a pot may.
        HoldEndedError: a transfer would capture or release a hold a second time.
        HoldAmountError: a transfer would capture or release another amount than is held.
        IdempotencyConflictError: a key was used for something else, before or in this call.
        CurrencyMismatchError: a pot holds another currency than the transfer.
        UnknownAccountError: a player has no accounts.
    """
    with connection.cursor() as cursor:
        sides = [
            side
            for request in requests
            for side in (request.debit, request.credit)
            if isinstance(side, PlayerPot)
        ]
        player_ids = sorted({side.player_id for side in sides})
        locked = lock_wallets(cursor, player_ids=player_ids, pots={side.pot for side in sides})
        wallets = {wallet.player_id: wallet for wallet in locked}
        houses = house_accounts(cursor, requests)
        _open_missing_pots(cursor, requests, wallets)
        new = _not_yet_posted(cursor, requests, wallets, houses)
        _require_holds_open(cursor, new)
        for request in new:
            _move(wallets, request)
        write_transfers(cursor, new, wallets, houses, now=now)
    return len(new)


def lock_wallets(
    cursor: Cursor,
    *,
    player_ids: Sequence[int] | None = None,
    player_refs: Sequence[str] | None = None,
    pots: Collection[str] | None = None,
) -> list[Wallet]:
    """Lock players' wallets, by id or by reference, and return them as they are under the lock.

    Each holds the cash and every other pot, or of those only ``pots``.
    """
    if player_refs is not None:
        query = statements.LOCK_WALLETS.replace("{key}", "p.player_ref")
        cursor.execute(query, [list(player_refs)])
    else:
        query = statements.LOCK_WALLETS.replace("{key}", "a.player_id")
        cursor.execute(query, [list(player_ids or [])])
    wallets: dict[int, Wallet] = {}
    for row in cursor.fetchall():
        player_id, ref, jurisdiction, currency, account_id, balance = row
        wallet = Wallet(player_id, ref, currency, jurisdiction=jurisdiction)
        wallet.account_ids[Pot.CASH], wallet.balances[Pot.CASH] = account_id, balance
        wallets[player_id] = wallet
    _read_other_pots(cursor, wallets, pots)
    return list(wallets.values())


def _read_other_pots(
    cursor: Cursor, wallets: dict[int, Wallet], pots: Collection[str] | None
) -> None:
    if pots is None:
        cursor.execute(statements.READ_POTS, [list(wallets)])
    elif named := sorted(set(pots) - {Pot.CASH}):
        cursor.execute(statements.READ_POTS_NAMED, [list(wallets), named])
    else:
        return
    for player_id, account_id, pot, balance in cursor.fetchall():
        wallets[player_id].account_ids[pot] = account_id
        wallets[player_id].balances[pot] = balance


def house_accounts(cursor: Cursor, requests: Iterable[TransferRequest]) -> HouseAccounts:
    """Return the ids of the house accounts that transfers name, opening the new ones."""
    wanted = {
        (side.name, request.currency)
        for request in requests
        for side in (request.debit, request.credit)
        if isinstance(side, House)
    }
    found = _find_houses(cursor, wanted)
    missing = sorted(wanted - found.keys())
    if missing:
        cursor.execute(statements.OPEN_HOUSE_ACCOUNTS, columns(missing))
        found |= _find_houses(cursor, set(missing))
    return found


def is_posted(cursor: Cursor, idempotency_key: str) -> bool:
    cursor.execute(statements.FIND_TRANSFERS, [[idempotency_key]])
    return bool(cursor.fetchall())


def posted_lines(cursor: Cursor, subjects: Sequence[str]) -> dict[str, list[PostedLine]]:
    """Return what each subject moved, in posting order; a subject that moved nothing is there."""
    found: dict[str, list[PostedLine]] = {subject: [] for subject in subjects}
    if found:
        cursor.execute(statements.LINES_OF_SUBJECTS, [sorted(found)])
        for subject, *line in cursor.fetchall():
            found[subject].append(PostedLine(*line))
    return found


def load_debts(cursor: Cursor, wallets: Iterable[Wallet]) -> dict[str, Debt]:
    """Return what each player of these locked wallets owes and what of it was ended, by reference.

    Who never owed anything is not there.
    """
    names = columns(sorted((f"{RECEIVABLE}{one.player_ref}", one.currency) for one in wallets))
    cursor.execute(statements.OPEN_DEBTS, names)
    found = {
        house.removeprefix(RECEIVABLE): Debt(open_minor) for house, open_minor in cursor.fetchall()
    }
    cursor.execute(statements.ENDED_DEBTS, [*names, list(DEBT_ENDS)])
    for house, key, subject, kind, left_minor in cursor.fetchall():
        is_settled = kind == TransferKind.RECEIVABLE_SETTLED
        found[house.removeprefix(RECEIVABLE)].ends.append(
            EndedDebt(key, subject, is_settled, left_minor)
        )
    return found


def write_transfers(
    cursor: Cursor,
    requests: Sequence[TransferRequest],
    wallets: dict[int, Wallet],
    houses: HouseAccounts,
    *,
    now: datetime,
) -> None:
    """Insert transfers and move the balances of the locked wallets they name.

    The caller holds the locks and has checked the funds; the database refuses again.
    """
    if not requests:
        return
    _open_missing_pots(cursor, requests, wallets)
    cursor.execute(statements.ANNOUNCE_TRANSFERS)
    cursor.execute(statements.DRAW_TRANSFER_IDS, [len(requests)])
    ids = [row[0] for row in cursor.fetchall()]
    id_by_key = {
        request.idempotency_key: new_id for new_id, request in zip(ids, requests, strict=True)
    }
    deltas: dict[int, int] = {}
    rows = []
    for new_id, request in zip(ids, requests, strict=True):
        debit = _account_id(request.debit, request.currency, wallets, houses)
        credit = _account_id(request.credit, request.currency, wallets, houses)
        if isinstance(request.debit, PlayerPot):
            deltas[debit] = deltas.get(debit, 0) - request.amount_minor
        if isinstance(request.credit, PlayerPot):
            deltas[credit] = deltas.get(credit, 0) + request.amount_minor
        rows.append(
            (
                new_id,
                request.idempotency_key,
                debit,
                credit,
                request.amount_minor,
                request.currency,
                request.kind,
                request.subject,
                id_by_key.get(request.reverses_key) if request.reverses_key else None,
                request.reverses_key,
                request.occurred_at,
                request.note,
            )
        )
    cursor.execute(statements.INSERT_TRANSFERS, [uuid.uuid4(), now, *columns(rows)])
    moved = [(account_id, delta) for account_id, delta in sorted(deltas.items()) if delta]
    if moved:
        cursor.execute(statements.MOVE_BALANCES, columns(moved))


def _open_missing_pots(
    cursor: Cursor, requests: Sequence[TransferRequest], wallets: dict[int, Wallet]
) -> None:
    """Open the pots of locked wallets that money comes to for the first time."""
    missing = sorted(
        {
            (wallet.player_id, side.pot, wallet.currency)
            for request in requests
            for side in (request.debit, request.credit)
            if isinstance(side, PlayerPot) and (wallet := wallets.get(side.player_id))
            if side.pot not in wallet.account_ids and provider_of_pot(side.pot)
        }
    )
    if missing:
        cursor.execute(statements.OPEN_PLAYER_ACCOUNTS, columns(missing))
        names = [(player_id, pot) for player_id, pot, _ in missing]
        cursor.execute(statements.FIND_PLAYER_ACCOUNTS, columns(names))
        for player_id, pot, account_id in cursor.fetchall():
            wallets[player_id].account_ids[pot] = account_id


def _find_houses(cursor: Cursor, wanted: set[tuple[str, str]]) -> HouseAccounts:
    if not wanted:
        return {}
    cursor.execute(statements.FIND_HOUSE_ACCOUNTS, columns(sorted(wanted)))
    return {(house, currency): account_id for house, currency, account_id in cursor.fetchall()}


def _account_id(
    side: Side, currency: str, wallets: dict[int, Wallet], houses: HouseAccounts
) -> int:
    if isinstance(side, House):
        return houses[side.name, currency]
    wallet = wallets.get(side.player_id)
    if wallet is None or side.pot not in wallet.account_ids:
        raise UnknownAccountError(f"Player {side.player_id} has no {side.pot} account.")
    if wallet.currency != currency:
        raise CurrencyMismatchError(f"Player {side.player_id} plays in {wallet.currency}.")
    return wallet.account_ids[side.pot]


def _not_yet_posted(
    cursor: Cursor,
    requests: Sequence[TransferRequest],
    wallets: dict[int, Wallet],
    houses: HouseAccounts,
) -> list[TransferRequest]:
    cursor.execute(statements.FIND_TRANSFERS, [[r.idempotency_key for r in requests]])
    posted = {row[0]: tuple(row[2:]) for row in cursor.fetchall()}
    new = []
    for request in requests:
        content = (
            _account_id(request.debit, request.currency, wallets, houses),
            _account_id(request.credit, request.currency, wallets, houses),
            request.amount_minor,
            request.currency,
            request.kind,
            request.subject,
        )
        first = posted.setdefault(request.idempotency_key, content)
        if first != content:
            raise IdempotencyConflictError(request.idempotency_key)
        if first is content:
            new.append(request)
    return new


def _require_holds_open(cursor: Cursor, requests: Sequence[TransferRequest]) -> None:
    ends = [one for one in requests if one.kind in HOLD_ENDS and one.reverses_key]
    if not ends:
        return
    keys = [one.reverses_key for one in ends]
    cursor.execute(statements.FIND_HOLDS, [list(HOLD_ENDS), keys])
    found = {row[0]: row[1:] for row in cursor.fetchall()}
    for end in ends:
        kind, held_minor, is_ended = found.get(end.reverses_key, ("", 0, False))
        if is_ended or keys.count(end.reverses_key) > 1:
            raise HoldEndedError(end.reverses_key)
        if kind == TransferKind.HOLD and end.amount_minor != held_minor:
            raise HoldAmountError(end.reverses_key)


def _move(wallets: dict[int, Wallet], request: TransferRequest) -> None:
    """Carry one transfer through the locked balances; no pot is overdrawn or overfilled."""
    if isinstance(request.debit, PlayerPot):
        balances = wallets[request.debit.player_id].balances
        if balances[request.debit.pot] < request.amount_minor:
            raise InsufficientFundsError(
                f"The {request.debit.pot} of player {request.debit.player_id} holds less."
            )
        balances[request.debit.pot] -= request.amount_minor
    if isinstance(request.credit, PlayerPot):
        balances = wallets[request.credit.player_id].balances
        balances[request.credit.pot] += request.amount_minor
        if balances[request.credit.pot] > LARGEST_BALANCE_MINOR:
            raise BalanceTooLargeError
