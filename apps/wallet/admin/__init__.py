"""The ledger and its audits: read here, written by services only."""

from apps.wallet.admin.audits import AuditFindingAdmin, WalletAuditAdmin
from apps.wallet.admin.ledger import (
    AccountAdmin,
    GameTransferAdmin,
    LedgerSealAdmin,
    TransferAdmin,
)
from apps.wallet.admin.receivables import ReceivableAccountAdmin

__all__ = [
    "AccountAdmin",
    "AuditFindingAdmin",
    "GameTransferAdmin",
    "LedgerSealAdmin",
    "ReceivableAccountAdmin",
    "TransferAdmin",
    "WalletAuditAdmin",
]
