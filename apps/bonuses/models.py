from typing import ClassVar, override

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.bonuses.contracts import FULL_WEIGHT_BP
from apps.bonuses.enums import GrantState, ReceiptReason, RequirementBasis, RuleState
from apps.core.history import history_records
from apps.core.triggers import any_change, append_only, never_truncated

_WEIGHTS_OF_A_DRAFT = """
    IF EXISTS (SELECT 1 FROM bonuses_bonusrule
                WHERE id IN ({rule_ids}) AND state <> 'draft') THEN
        RAISE EXCEPTION 'pgtrigger: the weights of a rule that is not a draft cannot change'
              USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN {result};
"""

RULE_TERMS = (
    "code",
    "version",
    "currency",
    "jurisdiction",
    "percent_bp",
    "basis",
    "requirement_multiple",
    "max_bonus_minor",
    "max_bet_minor",
    "contribution_cap_minor",
    "expires_after_days",
    "requires_verified_kyc",
)
"""The fields of a rule that decide money; frozen as soon as it leaves the draft."""


class BonusRule(models.Model):
    """One version of the terms of a deposit match.

    Terms and game weights can change only in a draft; from then on a change is a new version, so
    that a grant, and every receipt under it, can always be recomputed from the terms it was made
    under. A version becomes active through two people, and replaces the one before.
    """

    code = models.SlugField(max_length=64)
    version = models.PositiveIntegerField()
    name = models.CharField(max_length=120)
    state = models.CharField(max_length=16, choices=RuleState.choices, default=RuleState.DRAFT)
    currency = models.CharField(max_length=3)
    jurisdiction = models.CharField(
        max_length=16, blank=True, help_text="Players of this jurisdiction only; blank for any."
    )
    percent_bp = models.PositiveIntegerField(
        "deposit match (basis points)", help_text="20,000 is 200 %."
    )
    basis = models.CharField("requirement on", max_length=20, choices=RequirementBasis.choices)
    requirement_multiple = models.DecimalField(max_digits=6, decimal_places=2)
    max_bonus_minor = models.BigIntegerField("maximum bonus (minor units)", null=True, blank=True)
    max_bet_minor = models.BigIntegerField("maximum bet (minor units)", null=True, blank=True)
    contribution_cap_minor = models.BigIntegerField(
        "contribution cap per bet (minor units)",
        null=True,
        blank=True,
        help_text="At most this much of a stake counts, before the game's weight.",
    )
    expires_after_days = models.PositiveSmallIntegerField()
    requires_verified_kyc = models.BooleanField("needs verified identity", default=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    activated_at = models.DateTimeField(null=True, blank=True)
    approval = models.ForeignKey(
        "staff.Approval", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    history = history_records()

    class Meta:
        permissions = [
            ("approve_rule", "Can approve bonus rules as the second person"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["code", "version"], name="bonuses_rule_version_is_unique"
            ),
            models.UniqueConstraint(
                fields=["code"],
                condition=Q(state=RuleState.ACTIVE),
                name="bonuses_rule_one_active_version",
            ),
            models.CheckConstraint(
                condition=Q(state__in=RuleState.values), name="bonuses_rule_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(basis__in=RequirementBasis.values), name="bonuses_rule_basis_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(state=RuleState.ACTIVE)
                | Q(approval__isnull=False, activated_at__isnull=False),
                name="bonuses_rule_active_only_with_approval",
            ),
            models.CheckConstraint(
                condition=Q(percent_bp__gt=0, requirement_multiple__gt=0, expires_after_days__gt=0),
                name="bonuses_rule_terms_positive",
            ),
            models.CheckConstraint(
                condition=(Q(max_bonus_minor__isnull=True) | Q(max_bonus_minor__gt=0))
                & (Q(max_bet_minor__isnull=True) | Q(max_bet_minor__gt=0))
                & (Q(contribution_cap_minor__isnull=True) | Q(contribution_cap_minor__gt=0)),
                name="bonuses_rule_limits_positive",
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"),
                name="bonuses_rule_currency_is_a_code",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            never_truncated(),
            pgtrigger.Protect(
                name="terms_frozen_after_draft",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state__in=[RuleState.ACTIVE, RuleState.RETIRED])
                & any_change(*RULE_TERMS),
            ),
            pgtrigger.FSM(
                name="states_move_forward",
                field="state",
                transitions=[
                    (RuleState.DRAFT, RuleState.ACTIVE),
                    (RuleState.DRAFT, RuleState.RETIRED),
                    (RuleState.ACTIVE, RuleState.RETIRED),
                ],
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.code} v{self.version}"


class GameWeight(models.Model):
    """How much of a stake counts in one game, or in all games of a category, under one rule.

    A game's own line beats its category's. What has no line counts nothing.
    """

    rule = models.ForeignKey(BonusRule, on_delete=models.PROTECT, related_name="weights")
    category = models.CharField(max_length=16, blank=True)
    game_code = models.CharField(max_length=128, blank=True)
    weight_bp = models.PositiveIntegerField(
        "weight (basis points)", help_text="10,000 is 100 %, 500 is 5 %, 0 does not count."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(~Q(category="") & Q(game_code="")) | (Q(category="") & ~Q(game_code="")),
                name="bonuses_weight_for_a_game_or_a_category",
            ),
            models.CheckConstraint(
                condition=Q(weight_bp__lte=FULL_WEIGHT_BP), name="bonuses_weight_at_most_full"
            ),
            models.UniqueConstraint(
                fields=["rule", "category", "game_code"], name="bonuses_weight_once_per_rule"
            ),
        ]
        triggers = [
            never_truncated(),
            pgtrigger.Trigger(
                name="frozen_after_draft_new",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=_WEIGHTS_OF_A_DRAFT.format(rule_ids="NEW.rule_id", result="NEW"),
            ),
            pgtrigger.Trigger(
                name="frozen_after_draft_changed",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=_WEIGHTS_OF_A_DRAFT.format(rule_ids="OLD.rule_id, NEW.rule_id", result="NEW"),
            ),
            pgtrigger.Trigger(
                name="frozen_after_draft_gone",
                when=pgtrigger.Before,
                operation=pgtrigger.Delete,
                func=_WEIGHTS_OF_A_DRAFT.format(rule_ids="OLD.rule_id", result="OLD"),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.game_code or self.category} {self.weight_bp} bp"


class Grant(models.Model):
    """A bonus given to a player, and the turnover still to be played for it.

    ``remaining_minor`` is the fold of its receipts; while it is active only the wagering path
    moves it, under a row lock. A grant closes once: completed when nothing remains, expired by
    its rule, or forfeited by two people. A closed grant never changes again.
    """

    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    rule = models.ForeignKey(BonusRule, on_delete=models.PROTECT, related_name="grants")
    currency = models.CharField(max_length=3)
    deposit_minor = models.BigIntegerField("deposit (minor units)")
    bonus_minor = models.BigIntegerField("bonus (minor units)")
    required_minor = models.BigIntegerField("required turnover (minor units)")
    remaining_minor = models.BigIntegerField("remaining turnover (minor units)")
    state = models.CharField(max_length=16, choices=GrantState.choices, default=GrantState.ACTIVE)
    idempotency_key = models.CharField(max_length=128, unique=True)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    granted_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    forfeit_approval = models.ForeignKey(
        "staff.Approval", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    is_big_table: ClassVar[bool] = True

    class Meta:
        permissions = [
            ("grant_bonus", "Can grant a bonus to a player"),
            ("request_forfeit", "Can ask for a bonus to be forfeited"),
            ("approve_forfeit", "Can approve a forfeiture as the second person"),
        ]
        indexes = [
            # Expiry reads active grants by their end; admin lists by the player.
            models.Index(
                fields=["expires_at"],
                condition=Q(state=GrantState.ACTIVE),
                name="bonuses_grant_active_by_expiry",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["player"],
                condition=Q(state=GrantState.ACTIVE),
                name="bonuses_grant_one_active_per_player",
            ),
            models.CheckConstraint(
                condition=Q(state__in=GrantState.values), name="bonuses_grant_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(deposit_minor__gt=0, bonus_minor__gt=0, required_minor__gt=0),
                name="bonuses_grant_amounts_positive",
            ),
            models.CheckConstraint(
                condition=Q(remaining_minor__gte=0, remaining_minor__lte=F("required_minor")),
                name="bonuses_grant_remaining_within_requirement",
            ),
            models.CheckConstraint(
                condition=Q(state=GrantState.COMPLETED, remaining_minor=0)
                | (~Q(state=GrantState.COMPLETED) & Q(remaining_minor__gt=0)),
                name="bonuses_grant_completed_when_nothing_remains",
            ),
            models.CheckConstraint(
                condition=Q(state=GrantState.ACTIVE, closed_at__isnull=True)
                | (~Q(state=GrantState.ACTIVE) & Q(closed_at__isnull=False)),
                name="bonuses_grant_closed_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(state=GrantState.FORFEITED, forfeit_approval__isnull=False)
                | (~Q(state=GrantState.FORFEITED) & Q(forfeit_approval__isnull=True)),
                name="bonuses_grant_forfeited_only_by_two_people",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("granted_at")),
                name="bonuses_grant_expires_after_it_starts",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            never_truncated(),
            pgtrigger.Protect(
                name="closed_is_final",
                operation=pgtrigger.Update,
                condition=~pgtrigger.Q(old__state=GrantState.ACTIVE),
            ),
            pgtrigger.Protect(
                name="terms_never_change",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "player",
                    "rule",
                    "currency",
                    "deposit_minor",
                    "bonus_minor",
                    "required_minor",
                    "idempotency_key",
                    "granted_by",
                    "granted_at",
                    "expires_at",
                ),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"Grant {self.pk}"


class WageringReceipt(models.Model):
    """How one bet moved one grant's requirement; see ``contracts.Receipt``.

    It repeats weight, cap, maximum bet and rule version so that it can be explained to a player
    years later from this row alone.
    """

    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="receipts")
    subject = models.CharField("event", max_length=170, db_index=True)
    event_pk = models.BigIntegerField(null=True, blank=True)
    game_code = models.CharField("game", max_length=128)
    stake_minor = models.BigIntegerField("stake (minor units)")
    weight_bp = models.PositiveIntegerField("weight (basis points)")
    cap_minor = models.BigIntegerField("cap (minor units)", null=True, blank=True)
    max_bet_minor = models.BigIntegerField("maximum bet (minor units)", null=True, blank=True)
    counted_minor = models.BigIntegerField("counted (minor units)")
    unrecovered_minor = models.BigIntegerField("not taken back (minor units)", default=0)
    remaining_before_minor = models.BigIntegerField("remaining before (minor units)")
    remaining_after_minor = models.BigIntegerField("remaining after (minor units)")
    rule_version = models.PositiveIntegerField()
    reason = models.CharField(max_length=20, choices=ReceiptReason.choices)
    is_reversal = models.BooleanField(default=False)
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField()

    is_big_table: ClassVar[bool] = True

    class Meta:
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=Q(unrecovered_minor__gt=0),
                name="bonuses_receipt_flagged",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["grant", "subject", "is_reversal"],
                name="bonuses_receipt_once_per_grant_and_bet",
            ),
            models.CheckConstraint(
                condition=Q(remaining_after_minor=F("remaining_before_minor") - F("counted_minor")),
                name="bonuses_receipt_remaining_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(is_reversal=False, counted_minor__gte=0, unrecovered_minor=0)
                | Q(is_reversal=True, counted_minor__lte=0, unrecovered_minor__gte=0),
                name="bonuses_receipt_only_reversals_take_back",
            ),
            models.CheckConstraint(
                condition=Q(is_reversal=True)
                | Q(
                    counted_minor__lte=F("stake_minor") * F("weight_bp") / FULL_WEIGHT_BP,
                ),
                name="bonuses_receipt_counts_at_most_its_weight",
            ),
            models.CheckConstraint(
                condition=Q(remaining_after_minor__gte=0, stake_minor__gte=0),
                name="bonuses_receipt_amounts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(reason__in=ReceiptReason.values), name="bonuses_receipt_reason_is_known"
            ),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return f"Receipt {self.pk}"
