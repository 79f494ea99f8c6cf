from typing import ClassVar, override

import pgtrigger
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q

from apps.core.triggers import never_truncated
from apps.rounds.enums import EventStatus, MoneyState, Origin, RoundState, RoundType


class Round(models.Model):
    """One game round of one player: opened by a stake, closed by one finalized event.

    Sums count the events that stand, in minor units; ``stake_bonus_minor`` is the part staked
    from bonus funds, which decides how the round's wins are split.
    """

    provider = models.ForeignKey(
        "providers.Provider", on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    round_ref = models.CharField("round", max_length=128)
    player = models.ForeignKey(
        "players.Player", on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    game = models.ForeignKey(
        "providers.Game",
        on_delete=models.PROTECT,
        db_index=False,
        related_name="+",
    )
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=16, choices=RoundState.choices)
    stake_minor = models.BigIntegerField("stake (minor units)", default=0)
    stake_bonus_minor = models.BigIntegerField("stake from bonus (minor units)", default=0)
    win_minor = models.BigIntegerField("win (minor units)", default=0)
    standing_events = models.PositiveIntegerField("events that stand", default=0)
    opened_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    is_big_table: ClassVar[bool] = True

    # A foreign key without an index of its own is found through a key that starts with it, or is
    # never looked up alone: each index less is a page less to write for every bet.
    class Meta:
        permissions = [
            ("request_closing", "Can ask for a stuck round to be closed"),
            ("approve_closing", "Can agree that a stuck round is closed"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "round_ref", "player"], name="rounds_round_unique_per_player"
            ),
            models.CheckConstraint(
                condition=Q(state__in=RoundState.values), name="rounds_round_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state=RoundState.OPEN, settled_at__isnull=True)
                | Q(state=RoundState.SETTLED, settled_at__isnull=False)
                | Q(state__in=[RoundState.STUCK, RoundState.ROLLED_BACK]),
                name="rounds_round_settled_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(stake_minor__gte=0)
                & Q(win_minor__gte=0)
                & Q(stake_bonus_minor__gte=0)
                & Q(stake_bonus_minor__lte=F("stake_minor")),
                name="rounds_round_sums_not_negative",
            ),
        ]
        indexes = [
            models.Index(
                fields=["opened_at"],
                name="rounds_round_open",
                condition=Q(state__in=[RoundState.OPEN, RoundState.STUCK]),
            ),
            # A player's newest rounds, however many there are.
            models.Index(fields=["player", "-id"], name="rounds_round_of_player"),
            # For sums over a time. It costs a bet next to nothing: one entry for 128 pages.
            BrinIndex(fields=["opened_at"], name="rounds_round_opened_span", autosummarize=True),
        ]
        triggers = [pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)]

    @override
    def __str__(self) -> str:
        return self.round_ref


class RoundEvent(models.Model):
    """One event of a provider, once: the permanent idempotency key of everything it moved.

    ``fingerprint`` is the SHA-256 of the event's content; the same id with other content is a
    conflict. ``final_fingerprint`` is set when a tentative event came again as final. ``status``,
    ``code`` and ``balance_minor`` are the first answer, which every repeat gets again.
    """

    provider = models.ForeignKey(
        "providers.Provider", on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    event_id = models.CharField("event", max_length=128)
    fingerprint = models.CharField(max_length=64)
    final_fingerprint = models.CharField(max_length=64, blank=True)
    round = models.ForeignKey(
        Round, on_delete=models.PROTECT, null=True, blank=True, related_name="events"
    )
    player = models.ForeignKey(
        "players.Player",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
    )
    player_ref = models.CharField("player", max_length=128)
    game = models.ForeignKey(
        "providers.Game",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
    )
    game_code = models.CharField(max_length=128)
    round_ref = models.CharField("round", max_length=128)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    bet_minor = models.BigIntegerField("bet (minor units)")
    win_minor = models.BigIntegerField("win (minor units)")
    stake_bonus_minor = models.BigIntegerField("stake from bonus (minor units)", default=0)
    win_bonus_minor = models.BigIntegerField("win to bonus (minor units)", default=0)
    overdrawn_minor = models.BigIntegerField("stake not covered (minor units)", default=0)
    currency = models.CharField(max_length=3)
    round_type = models.CharField(max_length=16, choices=RoundType.choices)
    balance_before_minor = models.BigIntegerField(
        "provider's balance before (minor units)", null=True
    )
    balance_after_minor = models.BigIntegerField(
        "provider's balance after (minor units)", null=True
    )
    finalized = models.BooleanField()
    reference_event_id = models.CharField("refers to event", max_length=128, blank=True)
    promo_campaign = models.CharField(max_length=64, blank=True)
    promo_multiplier = models.CharField(max_length=16, blank=True)
    status = models.CharField(max_length=16, choices=EventStatus.choices)
    code = models.CharField(max_length=32, blank=True)
    money_state = models.CharField("money", max_length=16, choices=MoneyState.choices)
    balance_minor = models.BigIntegerField("balance answered (minor units)", null=True)
    delivery_id = models.BigIntegerField("first delivery", null=True)
    origin = models.CharField(max_length=16, choices=Origin.choices, default=Origin.CALLBACK)
    operation = models.CharField(max_length=16, default="round", db_default="round")
    is_free = models.BooleanField("free round", default=False, db_default=False)
    jackpot_minor = models.BigIntegerField(
        "jackpot within the win (minor units)", default=0, db_default=0
    )

    is_big_table: ClassVar[bool] = True

    class Meta:
        constraints = [
            # The event first, so that no other index of the provider's serves the look-up.
            models.UniqueConstraint(
                fields=["event_id", "provider"], name="rounds_event_unique_per_provider"
            ),
            models.CheckConstraint(
                condition=Q(bet_minor__gte=0) & Q(win_minor__gte=0),
                name="rounds_event_amounts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(status__in=EventStatus.values), name="rounds_event_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(operation__in=["round", "stake", "win", "rollback", "reward"]),
                name="rounds_event_operation_is_known",
            ),
            models.CheckConstraint(
                condition=Q(jackpot_minor__gte=0) & Q(jackpot_minor__lte=F("win_minor")),
                name="rounds_event_jackpot_is_part_of_the_win",
            ),
            models.CheckConstraint(
                condition=Q(money_state__in=MoneyState.values),
                name="rounds_event_money_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[EventStatus.ACCEPTED, EventStatus.TENTATIVE])
                | Q(money_state__in=[MoneyState.NONE, MoneyState.ROLLED_BACK]),
                name="rounds_event_parked_or_rejected_moves_no_money",
            ),
            models.CheckConstraint(
                condition=~Q(money_state=MoneyState.HELD) | Q(overdrawn_minor=0),
                name="rounds_event_held_is_covered",
            ),
            models.CheckConstraint(
                condition=~Q(round_type=RoundType.ROLLBACK) | ~Q(reference_event_id=""),
                name="rounds_event_rollback_names_its_target",
            ),
        ]
        indexes = [
            models.Index(fields=["provider", "occurred_at"], name="rounds_event_provider_day"),
            models.Index(fields=["player", "occurred_at"], name="rounds_event_player_day"),
            models.Index(
                fields=["provider", "reference_event_id"],
                name="rounds_event_reference",
                condition=~Q(reference_event_id=""),
            ),
            models.Index(
                fields=["round"], name="rounds_event_held", condition=Q(money_state="held")
            ),
            models.Index(
                fields=["player"], name="rounds_event_held_of", condition=Q(money_state="held")
            ),
            models.Index(
                fields=["status", "occurred_at"],
                name="rounds_event_parked",
                condition=Q(status="parked"),
            ),
            models.Index(
                fields=["player_ref"],
                name="rounds_event_of_unknown",
                condition=Q(player__isnull=True),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            never_truncated(),
            pgtrigger.Protect(
                name="content_never_changes",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "provider",
                    "event_id",
                    "fingerprint",
                    "player_ref",
                    "bet_minor",
                    "win_minor",
                    "currency",
                    "round_type",
                    "game_code",
                    "reference_event_id",
                ),
            ),
            # A refused stake that is judged again and taken is placed then, and not before.
            pgtrigger.Protect(
                name="time_never_changes",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__occurred_at__df=pgtrigger.F("new__occurred_at"))
                & ~pgtrigger.Q(old__operation="stake", old__status=EventStatus.REJECTED),
            ),
            # held -> settled -> rolled back, or held -> rolled back: never a step back.
            pgtrigger.Protect(
                name="money_resolves_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(
                    old__money_state=MoneyState.SETTLED,
                    new__money_state__in=[MoneyState.NONE, MoneyState.HELD],
                )
                | pgtrigger.Q(
                    old__money_state=MoneyState.ROLLED_BACK,
                    new__money_state__in=[MoneyState.NONE, MoneyState.HELD, MoneyState.SETTLED],
                ),
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.event_id


class EventAttempt(models.Model):
    """A further delivery of an event: a repeat, a conflict, or a refusal that stored nothing.

    The first delivery is on the event itself; together they are its delivery history.
    """

    provider = models.ForeignKey(
        "providers.Provider", on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    event_id = models.CharField("event", max_length=128)
    delivery_id = models.BigIntegerField()
    received_at = models.DateTimeField()
    status = models.CharField(max_length=16)
    code = models.CharField(max_length=32, blank=True)

    is_big_table: ClassVar[bool] = True

    class Meta:
        indexes = [
            models.Index(fields=["provider", "event_id"], name="rounds_attempt_event"),
            models.Index(fields=["delivery_id"], name="rounds_attempt_delivery"),
        ]
        triggers = [
            pgtrigger.Protect(name="never_changed", operation=pgtrigger.Update),
        ]

    @override
    def __str__(self) -> str:
        return self.event_id


class Conflict(models.Model):
    """The same event id with other content: nothing moved, somebody must look.

    One row per differing content, counted, so that a provider that retries a wrong event for a
    day makes one alert and not a thousand. ``is_rehearsed`` is for what nobody has to look at: the
    event is a test player's, and whoever sent this content was one each time.
    """

    provider = models.ForeignKey(
        "providers.Provider", on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    event_id = models.CharField("event", max_length=128)
    fingerprint = models.CharField(max_length=64)
    content = models.JSONField("content as sent")
    seen_count = models.PositiveIntegerField("seen", default=1)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    last_delivery_id = models.BigIntegerField()
    is_rehearsed = models.BooleanField("test players only", default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "event_id", "fingerprint"],
                name="rounds_conflict_once_per_content",
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.event_id


class BalanceDrift(models.Model):
    """The provider's balance minus ours for one player, as the last event left it.

    Intake flags the event where the difference changes, not every event after it.
    """

    provider = models.ForeignKey(
        "providers.Provider", on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    difference_minor = models.BigIntegerField("difference (minor units)")
    last_event_id = models.CharField(max_length=128)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "player"], name="rounds_drift_once_per_player"
            ),
        ]

    @override
    def __str__(self) -> str:
        return str(self.player)
