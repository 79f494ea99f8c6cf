from apps.players.models.checks import ProtectionCheck, RealityCheck, RefusalTally, RuleCheck
from apps.players.models.exclusions import Exclusion, ExclusionEnd
from apps.players.models.limits import Limit
from apps.players.models.moves import Move
from apps.players.models.player import Player, PlayerProtection
from apps.players.models.records import ProtectionRecord
from apps.players.models.tallies import HourTally

__all__ = [
    "Exclusion",
    "ExclusionEnd",
    "HourTally",
    "Limit",
    "Move",
    "Player",
    "PlayerProtection",
    "ProtectionCheck",
    "ProtectionRecord",
    "RealityCheck",
    "RefusalTally",
    "RuleCheck",
]
