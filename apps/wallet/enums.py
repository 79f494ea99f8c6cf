from django.db import models


class Pot(models.TextChoices):
    """The parts of a player's money. Only ``cash`` can be withdrawn."""

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
    CORRECTION = "correction", "Correction"
