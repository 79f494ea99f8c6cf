"""Advisory locks of this app: one worker per day, one puller per provider.

Session locks, since the work between is long and must not sit in a transaction. They end with the
connection, so a killed process holds nothing.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection

_LOCK_SPACE: Final = 0x5245434F


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], signed=True)


@contextmanager
def try_lock(name: str) -> Iterator[bool]:
    """Hold the lock ``name`` while the block runs; yield false, without waiting, if taken."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_SPACE, _number(name)])
        is_mine = bool(cursor.fetchone()[0])
    try:
        yield is_mine
    finally:
        if is_mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_SPACE, _number(name)])


def wait_for_transaction(name: str) -> None:
    """Wait for, and hold to the end of the transaction, the lock ``name``."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_SPACE, _number(name)])
