"""The protection officer's pages: one per player, the limits, and the rules with their sources."""

from apps.players.protection_admin.console import PlayerProtectionAdmin
from apps.players.protection_admin.limits import LimitAdmin
from apps.players.protection_admin.records import ProtectionRecordAdmin
from apps.players.protection_admin.rules import RuleCheckAdmin

__all__ = ["LimitAdmin", "PlayerProtectionAdmin", "ProtectionRecordAdmin", "RuleCheckAdmin"]
