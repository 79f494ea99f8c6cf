"""Read-only dashboards."""

from apps.reports.admin.net_position import NetPositionAdmin

__all__ = ["NetPositionAdmin"]
