from typing import override

from django.db import models
from django.db.models import F, Q

from apps.core.triggers import append_only
from apps.players.enums import REALITY_CHECK_ANSWERS, CheckKind, RealityCheckStep
from apps.players.models.player import Player


class ProtectionCheck(models.Model):
    """A check made at a launch or a deposit, with what it was based on and what it said.

    Regulators ask for proof that one looked: a check that found nothing is kept as well.
    """

    player = models.ForeignKey(Player, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=16, choices=CheckKind.choices)
    jurisdiction = models.CharField(max_length=16)
    checked_at = models.DateTimeField()
    is_allowed = models.BooleanField()
    codes = models.JSONField(default=list)
    basis = models.JSONField(default=dict)

    is_big_table = True

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=CheckKind.values), name="players_protectioncheck_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(is_allowed=True, codes=[]) | (Q(is_allowed=False) & ~Q(codes=[])),
                name="players_protectioncheck_refuses_with_a_code",
            ),
        ]
        indexes = [
            models.Index(fields=["player", "-checked_at"], name="players_check_player_at"),
        ]
        triggers = append_only()

    @override
    def __str__(self) -> str:
        return f"{self.kind} check {self.pk}"


class RefusalTally(models.Model):
    """How often a player's new stakes were refused with a code in one hour."""

    pk = models.CompositePrimaryKey("player_id", "hour", "code")
    player = models.ForeignKey(Player, on_delete=models.PROTECT, related_name="+", db_index=False)
    hour = models.DateTimeField()
    code = models.CharField(max_length=32)
    refused = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(refused__gt=0), name="players_refusaltally_counts_refusals"
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.player_id} {self.code}"


class RealityCheck(models.Model):
    """A reality check as shown to a player, and each answer, as rows of their own."""

    player = models.ForeignKey(Player, on_delete=models.PROTECT, related_name="+", db_index=False)
    session_ref = models.CharField(max_length=64)
    shown_at = models.DateTimeField()
    step = models.CharField(max_length=16, choices=RealityCheckStep.choices)
    happened_at = models.DateTimeField()
    minutes_played = models.PositiveIntegerField()
    staked_minor = models.BigIntegerField()
    won_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["player", "session_ref", "shown_at", "step"],
                name="players_realitycheck_step_happens_once",
            ),
            models.CheckConstraint(
                condition=Q(step__in=RealityCheckStep.values),
                name="players_realitycheck_step_is_known",
            ),
            models.CheckConstraint(
                condition=Q(staked_minor__gte=0, won_minor__gte=0),
                name="players_realitycheck_amounts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(happened_at__gte=F("shown_at")),
                name="players_realitycheck_answered_after_it_is_shown",
            ),
            models.UniqueConstraint(
                fields=["player", "session_ref", "shown_at"],
                condition=Q(step__in=REALITY_CHECK_ANSWERS),
                name="players_realitycheck_answered_once",
            ),
        ]
        triggers = append_only()

    @override
    def __str__(self) -> str:
        return f"{self.step} {self.shown_at:%Y-%m-%d %H:%M}"


class RuleCheck(models.Model):
    """Somebody compared a rule or a support link with its source on a day, and it held."""

    rule_id = models.CharField("rule", max_length=32)
    checked_on = models.DateField()
    checked_by = models.CharField(max_length=150)
    note = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "protection rule"
        verbose_name_plural = "protection rules"
        indexes = [
            models.Index(fields=["rule_id", "-checked_on"], name="players_rulecheck_rule_on"),
        ]
        triggers = append_only()

    @override
    def __str__(self) -> str:
        return f"{self.rule_id} on {self.checked_on}"
