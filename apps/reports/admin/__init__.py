"""Reports people open."""

from apps.reports.admin.health import ProviderHealthAdmin
from apps.reports.admin.net_position import NetPositionAdmin

__all__ = ["NetPositionAdmin", "ProviderHealthAdmin"]
