"""Deposits against their limits. A deposit limit is gross: withdrawals don't make room."""

from datetime import datetime

from django.db import connection, transaction

from apps.players.contracts import ProtectionReason
from apps.players.enums import CheckKind
from apps.players.locks import lock_player
from apps.players.protection import Protection
from apps.players.selectors.identity import player_by_id
from apps.players.selectors.protection import deposit_reasons
from apps.players.services.launches import log_check
from apps.players.services.tallies import save_tallies


@transaction.atomic
def deposit_refusal(
    player_id: int, amount_minor: int, now: datetime
) -> tuple[ProtectionReason, ...]:
    """Return every reason that refuses a deposit, none where it may be made, and log the check.

    Call it in the transaction of the deposit, before the wallets are locked: the player's lock,
    held to its end, keeps two deposits from passing a limit together.

    Raises:
        UnknownPlayerError: nobody has this id.
    """
    lock_player(player_id)
    player = player_by_id(player_id)
    reasons = tuple(deposit_reasons(player, amount_minor, now))
    log_check(player, CheckKind.DEPOSIT, reasons, now, jurisdiction=player.jurisdiction)
    return reasons


@transaction.atomic
def count_deposit(player_id: int, amount_minor: int, at: datetime) -> None:
    """Count a deposit in its hour, once its transfer is written; a negative amount takes it back.

    Call it in the transaction of the deposit, after the wallets are locked.
    """
    protection = Protection()
    protection.count(player_id, at=at, deposited_minor=amount_minor)
    with connection.cursor() as cursor:
        save_tallies(cursor, protection)
