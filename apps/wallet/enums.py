from typing import Final

from django.db import models


class Pot(models.TextChoices):
    """The parts of a player's money. Only ``cash`` can be withdrawn.

    Each player has these four. The pots set apart for one provider, ``sub:<provider>`` and
    ``transferred:<provider>``, are opened when first used (``play_models``).
    """

    CASH = "cash", "Cash"
    BONUS = "bonus", "Bonus"
    HELD = "held", "Held stakes"
    PENDING = "pending", "Pending wins"


class SpendOrder(models.TextChoices):
    """Which of a player's own pots a stake takes first."""

    CASH_FIRST = "cash_first", "Cash first"
    BONUS_FIRST = "bonus_first", "Bonus first"


class PlayModelName(models.TextChoices):
    """Where the money lies that a player plays with at a provider."""

    HOLD = "hold", "Hold on our ledger"
    SUB_WALLET = "sub_wallet", "Sub-wallet per provider"
    TRANSFER = "transfer", "Transfer to the provider"


class TransferKind(models.TextChoices):
    OPENING_BALANCE = "opening_balance", "Opening balance"
    DEPOSIT = "deposit", "Deposit"
    WITHDRAWAL = "withdrawal", "Withdrawal"
    STAKE = "stake", "Stake"
    WIN = "win", "Win"
    HOLD = "hold", "Stake held"
    CAPTURE = "capture", "Held stake captured"
    RELEASE = "release", "Held stake released"
    PEND = "pend", "Win pending"
    SETTLE_WIN = "settle_win", "Pending win settled"
    UNPEND = "unpend", "Pending win withdrawn"
    ROLLBACK_STAKE = "rollback_stake", "Stake returned by rollback"
    ROLLBACK_WIN = "rollback_win", "Win taken back by rollback"
    OVERDRAWN = "overdrawn", "Shortfall to receivable"
    BONUS_GRANT = "bonus_grant", "Bonus granted"
    BONUS_CONVERSION = "bonus_conversion", "Bonus released to cash"
    BONUS_FORFEIT = "bonus_forfeit", "Bonus forfeited"
    STAKE_FORFEITED = "stake_forfeited", "Returned bonus stake forfeited"
    RECEIVABLE_SETTLED = "receivable_settled", "Receivable settled from cash"
    RECEIVABLE_WRITTEN_OFF = "receivable_written_off", "Receivable written off"
    CORRECTION = "correction", "Correction"
    SUB_FUND = "sub_fund", "Sub-wallet funded"
    SUB_CASH_OUT = "sub_cash_out", "Sub-wallet cashed out"
    SUB_SWEEP = "sub_sweep", "Sub-wallet swept"
    TRANSFER_IN = "transfer_in", "On its way to the provider"
    TRANSFER_IN_DONE = "transfer_in_done", "Arrived at the provider"
    TRANSFER_IN_FAILED = "transfer_in_failed", "Back from the way to the provider"
    TRANSFER_OUT = "transfer_out", "On its way from the provider"
    TRANSFER_OUT_DONE = "transfer_out_done", "Arrived from the provider"
    TRANSFER_OUT_FAILED = "transfer_out_failed", "Back at the provider"


# What ends a hold; a released bonus part goes to the house where its bonus is closed by then.
HOLD_ENDS: Final = (TransferKind.CAPTURE, TransferKind.RELEASE, TransferKind.STAKE_FORFEITED)
DEBT_ENDS: Final = (TransferKind.RECEIVABLE_SETTLED, TransferKind.RECEIVABLE_WRITTEN_OFF)


class ReceivableEnd(models.TextChoices):
    """How people end what a player owes us."""

    SETTLE = "settle", "Settle: taken from the player's cash"
    WRITE_OFF = "write_off", "Write off: the house bears it"


class Direction(models.TextChoices):
    """Which way money goes between our ledger and a provider's wallet."""

    IN = "in", "To the provider"
    OUT = "out", "From the provider"


class GameTransferState(models.TextChoices):
    """``UNRESOLVED``: the provider was asked and its answer is not known; its status decides."""

    REQUESTED = "requested", "Requested"
    UNRESOLVED = "unresolved", "Unresolved"
    CONFIRMED = "confirmed", "Confirmed"
    FAILED = "failed", "Failed"


class FindingState(models.TextChoices):
    OPEN = "open", "Open"
    EXPLAINED = "explained", "Explained"
