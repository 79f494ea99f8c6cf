"""What others may read of bonuses."""

from collections.abc import Iterable
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from apps.bonuses import wording
from apps.bonuses.contracts import FULL_WEIGHT_BP, GrantProgress, Receipt, Requirement
from apps.bonuses.enums import GrantState, ReceiptReason, RuleState
from apps.bonuses.models import BonusRule, Grant, WageringReceipt


def active_rule(code: str) -> BonusRule | None:
    return BonusRule.objects.filter(code=code, state=RuleState.ACTIVE).first()


def active_rules() -> QuerySet[BonusRule]:
    return BonusRule.objects.filter(state=RuleState.ACTIVE).order_by("code", "pk")


def grant_by_key(idempotency_key: str) -> Grant | None:
    return (
        Grant.objects.select_related("rule", "player")
        .filter(idempotency_key=idempotency_key)
        .first()
    )


def has_active_grant(player_id: int) -> bool:
    return Grant.objects.filter(player_id=player_id, state=GrantState.ACTIVE).exists()


def active_grants() -> QuerySet[Grant]:
    """Return grants that are being played for, the ones that end soonest first."""
    grants = Grant.objects.filter(state=GrantState.ACTIVE)
    return grants.select_related("rule", "player").order_by("expires_at", "pk")


def flagged_receipts() -> QuerySet[WageringReceipt]:
    """Return reversals that came after their grant had closed, newest first."""
    receipts = WageringReceipt.objects.filter(unrecovered_minor__gt=0)
    return receipts.select_related("grant__player").order_by("-created_at", "-pk")


def grant_progress(grant: Grant) -> GrantProgress:
    """Return how far a grant is; read its ``rule`` along with it to stay at one query."""
    done_minor = grant.required_minor - grant.remaining_minor
    return GrantProgress(
        grant_id=grant.pk,
        state=grant.state,
        currency=grant.currency,
        done_minor=done_minor,
        required_minor=grant.required_minor,
        done_bp=done_minor * FULL_WEIGHT_BP // grant.required_minor,
        sentence=describe_requirement(grant),
    )


def progress_of_player(player_id: int) -> list[GrantProgress]:
    """Return the player's grants, newest first, as a player or an agent may see them."""
    grants = Grant.objects.filter(player_id=player_id).select_related("rule")
    return [grant_progress(grant) for grant in grants.order_by("-granted_at", "-pk")]


def describe_requirement(grant: Grant) -> str:
    """Show the sum behind a grant: "40 x (100.00 + 200.00) = 12,000.00 AUD of turnover"."""
    return wording.describe_requirement(
        Requirement(
            multiple=grant.rule.requirement_multiple,
            basis=grant.rule.basis,
            deposit_minor=grant.deposit_minor,
            bonus_minor=grant.bonus_minor,
            required_minor=grant.required_minor,
            currency=grant.currency,
        )
    )


def receipt_of(row: WageringReceipt) -> Receipt:
    """Return a stored receipt as the contract that can be explained."""
    return Receipt(
        grant_id=row.grant_id,
        subject=row.subject,
        stake_minor=row.stake_minor,
        weight_bp=row.weight_bp,
        cap_minor=row.cap_minor,
        max_bet_minor=row.max_bet_minor,
        counted_minor=row.counted_minor,
        remaining_before_minor=row.remaining_before_minor,
        remaining_after_minor=row.remaining_after_minor,
        rule_version=row.rule_version,
        reason=ReceiptReason(row.reason),
        currency=row.grant.currency,
        game_code=row.game_code,
        occurred_at=row.occurred_at,
        event_pk=row.event_pk,
        unrecovered_minor=row.unrecovered_minor,
        is_reversal=row.is_reversal,
    )


def receipts_of_event(subject: str) -> list[Receipt]:
    """Return what one round event did to wagering, oldest first, reversals included."""
    rows = WageringReceipt.objects.filter(subject=subject).select_related("grant")
    return [receipt_of(row) for row in rows.order_by("pk")]


def grants_out_of_step() -> Iterable[tuple[int, int, int]]:
    """Return grants whose remaining isn't the fold of their receipts.

    Each is (grant id, done by the grant, done by its receipts), in minor units. Reads every
    receipt: for audits, not for pages.
    """
    counted: Any = (
        WageringReceipt.objects.filter(grant=OuterRef("pk"))
        .order_by()
        .values("grant")
        .annotate(total=Sum("counted_minor"))
        .values("total")
    )
    folded = Grant.objects.annotate(
        done=F("required_minor") - F("remaining_minor"), folded=Coalesce(Subquery(counted), 0)
    )
    return folded.exclude(done=F("folded")).order_by("pk").values_list("pk", "done", "folded")
