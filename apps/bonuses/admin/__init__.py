"""Rules with their weights, grants with their progress, receipts."""

from apps.bonuses.admin.grants import GrantAdmin, WageringReceiptAdmin
from apps.bonuses.admin.rules import BonusRuleAdmin

__all__ = ["BonusRuleAdmin", "GrantAdmin", "WageringReceiptAdmin"]
