"""Proving the ledger: fold every transfer, and check every seal against the rows it covers."""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from apps.core.services.audit import record_audit
from apps.wallet import statements
from apps.wallet.contracts import RECEIVABLE, LedgerVerdict
from apps.wallet.models import Account, LedgerSeal, Transfer

logger = logging.getLogger(__name__)

_ROWS_PER_STEP = 20_000
_SEALS_PER_STEP = 500
_MOST_PER_SEAL = 1_000_000
_PATIENCE = "1500ms"
"""Less than a callback waits, and more than a second, after which an autovacuum gives way."""


@dataclass(frozen=True, slots=True)
class _Run:
    count: int
    digest: str


def seal_transfers(*, now: datetime) -> LedgerSeal | None:
    """Seal the transfers that no seal covers yet and put the digest into the audit chain.

    No row can slip into a sealed run afterwards, and play waits for none of the reading. A seal
    covers ``_MOST_PER_SEAL`` at most, so that a backlog takes several runs and never too long a
    one. Returns None where there is nothing new, or where somebody writes transfers for longer than
    play may wait: the next run seals them.
    """
    try:
        last_id = _last_transfer()
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        logger.warning("wallet.seal.put_off")
        return None
    return _seal_up_to(last_id, now)


@transaction.atomic(durable=True)
def _last_transfer() -> int:
    """Return the last transfer once every lower id is written or given up.

    Waits for the transfers in flight, which hold the table's lock since before they drew their ids
    (``ledger.write_transfers``), and lets none start until it has found the last one. Who comes
    meanwhile waits behind it, so it gives up soon.

    Raises:
        OperationalError: one of those in flight takes too long.
    """
    with connection.cursor() as cursor:
        cursor.execute(statements.WAIT_AT_MOST, [_PATIENCE])
        cursor.execute(statements.LOCK_TRANSFERS)
        cursor.execute(statements.LAST_TRANSFER)
        return int(cursor.fetchone()[0])


@transaction.atomic(durable=True)
def _seal_up_to(last_id: int, now: datetime) -> LedgerSeal | None:
    with connection.cursor() as cursor:
        cursor.execute(statements.LOCK_SEALING)
        previous = LedgerSeal.objects.order_by("last_transfer_id").last()
        first_id = previous.last_transfer_id + 1 if previous else 1
        cursor.execute(statements.END_OF_RUN, [first_id, last_id, _MOST_PER_SEAL])
        last_id = int(cursor.fetchone()[0])
    if last_id < first_id:
        return None
    run = _digest(first_id, last_id, previous.digest if previous else "")
    seal = LedgerSeal.objects.create(
        first_transfer_id=first_id,
        last_transfer_id=last_id,
        transfer_count=run.count,
        previous_digest=previous.digest if previous else "",
        digest=run.digest,
        sealed_at=now,
    )
    record_audit(
        action="wallet.sealed",
        actor=None,
        subject=f"transfers:{first_id}-{last_id}",
        details={"digest": run.digest, "count": run.count},
        now=now,
    )
    return seal


def verify_ledger() -> LedgerVerdict:
    """Fold every transfer and compare. Changes nothing.

    Called outside a transaction it reads one snapshot, so play may go on meanwhile.
    """
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                cursor.execute("SET LOCAL statement_timeout = 0")
        return _fold()


def _fold() -> LedgerVerdict:
    with connection.cursor() as cursor:
        cursor.execute(statements.BALANCES_OUT_OF_STEP)
        problems = [
            f"Account {row[0]} (player {row[1]}, {row[2]}, {row[3]}) says {row[4]}, "
            f"its transfers say {row[5]}."
            for row in cursor.fetchall()
        ]
        cursor.execute(statements.RECEIVABLES_BELOW_ZERO, [RECEIVABLE])
        problems += [
            f"Account {house} ({currency}) stands at {open_minor}: more was returned than is owed."
            for house, currency, open_minor in cursor.fetchall()
        ]
        cursor.execute(statements.SUMS_BY_CURRENCY)
        sums = {currency: int(total) for currency, total in cursor.fetchall()}
    problems += [
        f"{currency}: debits and credits differ by {total}."
        for currency, total in sums.items()
        if total
    ]
    problems += _broken_seals()
    return LedgerVerdict(
        transfers=Transfer.objects.count(),
        accounts=Account.objects.count(),
        sums=sums,
        seals=LedgerSeal.objects.count(),
        problems=tuple(problems),
    )


def _broken_seals() -> Iterator[str]:
    """Yield a sentence for each seal that its rows or its predecessor deny, read as a stream."""
    previous_digest, next_id = "", 1
    seals = LedgerSeal.objects.order_by("last_transfer_id")
    for seal in seals.iterator(chunk_size=_SEALS_PER_STEP):
        run = _digest(seal.first_transfer_id, seal.last_transfer_id, seal.previous_digest)
        is_chained = seal.previous_digest == previous_digest and seal.first_transfer_id == next_id
        if not is_chained or run.digest != seal.digest or run.count != seal.transfer_count:
            yield (
                f"The seal of transfers {seal.first_transfer_id} to {seal.last_transfer_id} is "
                "broken: a sealed row was changed, removed or added."
            )
        previous_digest, next_id = seal.digest, seal.last_transfer_id + 1


def _digest(first_id: int, last_id: int, previous_digest: str) -> _Run:
    """Return the chained SHA-256 of a run of transfers, read in steps so memory stays flat."""
    digest = hashlib.sha256(previous_digest.encode())
    count = 0
    with connection.cursor() as cursor:
        for start in range(first_id, last_id + 1, _ROWS_PER_STEP):
            end = min(start + _ROWS_PER_STEP - 1, last_id)
            cursor.execute(statements.SEALED_ROWS, [start, end])
            for (text,) in cursor.fetchall():
                digest.update(text.encode())
                digest.update(b"\n")
                count += 1
    return _Run(count, digest.hexdigest())
