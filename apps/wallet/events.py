from dataclasses import dataclass
from typing import ClassVar

from apps.core.contracts import Event


@dataclass(frozen=True)
class GameTransferRequested(Event):
    """Money left a pot for a provider's wallet, or is asked back; the provider must be told."""

    topic: ClassVar[str] = "wallet.game_transfer_requested"
    transfer_id: int


@dataclass(frozen=True)
class WalletDrifted(Event):
    """An audit found pots that are not what the provider says they are."""

    topic: ClassVar[str] = "wallet.wallet_drifted"
    audit_id: int
    provider: str
    findings: int
