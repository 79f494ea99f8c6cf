"""What a provider's contract decides about its messages, one column for each flag."""

from typing import override

import pgtrigger
from django.db import models
from django.db.models import Q

from apps.core.history import history_records
from apps.core.triggers import never_truncated
from apps.providers.contracts import Policy
from apps.providers.enums import (
    FreeRounds,
    LateStake,
    Permission,
    Protocol,
    RefundAmount,
    RefusedStakeReplay,
    RepeatedBalance,
    RollbackNumber,
    RollbackOfWin,
    RoundScope,
    StakeSettles,
    TransactionScope,
    UnknownRollback,
    WhenUnavailable,
    WinWithoutStake,
)
from apps.providers.models.provider import Provider

_SAFEST = Policy()


def _flag(
    name: str, choices: type[models.TextChoices], meaning: str
) -> "models.CharField[str, str]":
    return models.CharField(
        max_length=16, choices=choices.choices, default=getattr(_SAFEST, name), help_text=meaning
    )


def _is_known(name: str, choices: type[models.TextChoices]) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(**{f"{name}__in": choices.values}), name=f"providers_policy_{name}_is_known"
    )


class ProviderPolicy(models.Model):
    """How a provider's messages are judged where real protocols differ.

    A provider gets its protocol's defaults when it is added; each change after that is an edit
    with a reason. The flags decide what is done from the change on, never what was booked.
    """

    provider = models.OneToOneField(Provider, on_delete=models.PROTECT, related_name="policy")
    unknown_rollback = _flag(
        "unknown_rollback",
        UnknownRollback,
        "What the provider hears when it rolls back a stake that we never saw. Either way the "
        "rollback is kept, so that a stake that comes after it moves nothing.",
    )
    late_stake = _flag(
        "late_stake",
        LateStake,
        "What the provider hears when a stake comes after its own rollback. No money moves "
        "either way; a success lets the provider play a round that nobody paid for.",
    )
    win_without_stake = _flag(
        "win_without_stake",
        WinWithoutStake,
        "Whether a win is paid whose stake we never saw. Free rounds and rewards may have no "
        "stake; any other such win is usually a mistake of the provider.",
    )
    stake_after_close = _flag(
        "stake_after_close", Permission, "Whether a new stake may be placed in a closed round."
    )
    win_after_close = _flag(
        "win_after_close",
        Permission,
        "Whether a win is paid that comes after its round was closed. Jackpots and recalculations "
        "often do. An allowed one is marked as late.",
    )
    rollback_after_win = _flag(
        "rollback_after_win",
        Permission,
        "Whether a stake may be rolled back after a win was paid in its round.",
    )
    rollback_of_win = _flag(
        "rollback_of_win",
        RollbackOfWin,
        "Whether a win itself may be rolled back, and what happens where the player has spent it. "
        "What is missing never makes a balance negative: it becomes receivable.",
    )
    zero_stake = _flag(
        "zero_stake", Permission, "Whether a stake of zero, such as a free spin, is taken."
    )
    refund_amount = _flag(
        "refund_amount",
        RefundAmount,
        "Which amount a rollback returns where it states another one than the stake had.",
    )
    game_change = _flag(
        "game_change",
        Permission,
        "Whether a stake may name another game than its session was launched with, as in a live "
        "lobby. Where it may, that game is put to the launch gate as at a launch: it must be on "
        "offer, lawful and covered where the player is.",
    )
    stake_without_session = _flag(
        "stake_without_session",
        Permission,
        "Whether a new stake may come without the token of a session. Only our native protocol "
        "leaves it out; in all others each stake names its session. Where it may, nobody asks for "
        "such a stake whether the game may be launched there, whether the session still runs or "
        "whether a reality check is open: that is then the provider's to have asked.",
    )
    round_scope = _flag(
        "round_scope",
        RoundScope,
        "Where a round id is unique. If two games use the same ids, their rounds are kept apart.",
    )
    transaction_scope = _flag(
        "transaction_scope",
        TransactionScope,
        "Where a transaction id is unique: two messages with one id within this scope are the "
        "same message.",
    )
    rollback_number = _flag(
        "rollback_number",
        RollbackNumber,
        "What the one number of a rollback means; only iPlayGames asks. Its target: a stake of "
        "that number is taken back, and no other. The rollback itself: the one stake of its amount "
        "that stands in the rollback's round is taken back (where it names no amount, the only "
        "one); a doubt is refused and nothing moves. Ask the provider before you change it.",
    )
    repeated_balance = _flag(
        "repeated_balance",
        RepeatedBalance,
        "Which balance the answer to a repeated message states: the one first answered or the "
        "one of now.",
    )
    refused_stake_replay = _flag(
        "refused_stake_replay",
        RefusedStakeReplay,
        "Whether a refused stake that is sent again stays refused, or is judged again, for "
        "example because funds have come.",
    )
    free_rounds = _flag(
        "free_rounds",
        FreeRounds,
        "Whether each win of a free round is paid when it comes, or all of them by one payout at "
        "the end.",
    )
    stake_settles = _flag(
        "stake_settles",
        StakeSettles,
        "Whether a stake stays held until its round closes, or is taken at once. Choose at once "
        "only where the protocol closes no rounds.",
    )
    when_unavailable = _flag(
        "when_unavailable",
        WhenUnavailable,
        "What happens to messages while the ledger can't be reached. New stakes are never "
        "accepted then.",
    )

    history = history_records()

    class Meta:
        verbose_name = "provider policy"
        verbose_name_plural = "provider policies"
        constraints = [
            _is_known("unknown_rollback", UnknownRollback),
            _is_known("late_stake", LateStake),
            _is_known("win_without_stake", WinWithoutStake),
            _is_known("stake_after_close", Permission),
            _is_known("win_after_close", Permission),
            _is_known("rollback_after_win", Permission),
            _is_known("rollback_of_win", RollbackOfWin),
            _is_known("zero_stake", Permission),
            _is_known("refund_amount", RefundAmount),
            _is_known("game_change", Permission),
            _is_known("stake_without_session", Permission),
            _is_known("round_scope", RoundScope),
            _is_known("transaction_scope", TransactionScope),
            _is_known("rollback_number", RollbackNumber),
            _is_known("repeated_balance", RepeatedBalance),
            _is_known("refused_stake_replay", RefusedStakeReplay),
            _is_known("free_rounds", FreeRounds),
            _is_known("stake_settles", StakeSettles),
            _is_known("when_unavailable", WhenUnavailable),
        ]

    @override
    def __str__(self) -> str:
        return f"Policy of {self.provider}"


_FIXED_WHILE_LIVE = """
IF EXISTS (SELECT 1 FROM providers_provider p WHERE p.id = OLD.provider_id AND p.stage = 'live')
THEN
    RAISE EXCEPTION 'pgtrigger: The ids of a live provider mean for ever what they meant first';
END IF;
RETURN OLD;
"""


class IdScopes(models.Model):
    """What a provider's ids mean, as its first stored event was read.

    Idempotency keys are made from these: under another scope a retried old message would be a new
    one. Two foreign keys that only the migration knows hold ``Provider.protocol`` and the policy's
    scopes to this row (``providers_fixed_protocol_is_spoken``, ``providers_fixed_scopes_are_set``):
    while it is there, neither changes. It may be released in rehearsal, and never once live.
    """

    provider = models.OneToOneField(Provider, on_delete=models.PROTECT, related_name="id_scopes")
    protocol = models.CharField(max_length=16, choices=Protocol.choices)
    transaction_scope = models.CharField(max_length=16, choices=TransactionScope.choices)
    round_scope = models.CharField(max_length=16, choices=RoundScope.choices)
    fixed_at = models.DateTimeField()

    class Meta:
        verbose_name = "fixed id scopes"
        verbose_name_plural = "fixed id scopes"
        triggers = [
            pgtrigger.Protect(name="means_one_thing", operation=pgtrigger.Update),
            pgtrigger.Trigger(
                name="fixed_while_live",
                when=pgtrigger.Before,
                operation=pgtrigger.Delete,
                func=_FIXED_WHILE_LIVE,
            ),
            never_truncated(),
        ]

    @override
    def __str__(self) -> str:
        return f"Ids of provider {self.provider_id}"
