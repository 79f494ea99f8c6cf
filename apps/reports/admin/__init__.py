"""Reports people open."""

from apps.reports.admin.health import ProviderHealthAdmin
from apps.reports.admin.net_position import NetPositionAdmin
from apps.reports.admin.wallet_models import WalletModelComparisonAdmin

__all__ = ["NetPositionAdmin", "ProviderHealthAdmin", "WalletModelComparisonAdmin"]
