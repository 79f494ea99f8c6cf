from apps.operator_api.api.views.base import NothingHereView
from apps.operator_api.api.views.certificates import CertificatesView
from apps.operator_api.api.views.gate import CanServeView
from apps.operator_api.api.views.integrity import DigestReportsView
from apps.operator_api.api.views.players import (
    BalanceAtProviderView,
    BalanceView,
    BonusesView,
    EligibilityView,
    PlayerView,
)
from apps.operator_api.api.views.reality_checks import RealityCheckAnswerView, RealityChecksView
from apps.operator_api.api.views.rounds import RoundEventView
from apps.operator_api.api.views.sessions import RefreshView, SessionsView, SessionView
from apps.operator_api.api.views.transfers import CashOutsView, TransfersView, TransferView

__all__ = [
    "BalanceAtProviderView",
    "BalanceView",
    "BonusesView",
    "CanServeView",
    "CashOutsView",
    "CertificatesView",
    "DigestReportsView",
    "EligibilityView",
    "NothingHereView",
    "PlayerView",
    "RealityCheckAnswerView",
    "RealityChecksView",
    "RefreshView",
    "RoundEventView",
    "SessionView",
    "SessionsView",
    "TransferView",
    "TransfersView",
]
