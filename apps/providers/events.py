from dataclasses import dataclass
from typing import ClassVar

from apps.core.contracts import Event


@dataclass(frozen=True)
class ProviderAdded(Event):
    """A provider was loaded for the first time."""

    topic: ClassVar[str] = "providers.provider_added"
    provider: str
