from dataclasses import dataclass
from typing import ClassVar

from apps.core.contracts import Event


@dataclass(frozen=True)
class ItemBroke(Event):
    """Something that was proven of a provider does not hold any more."""

    topic: ClassVar[str] = "onboarding.item_broke"
    provider: str
    item: str
    proof_id: int
