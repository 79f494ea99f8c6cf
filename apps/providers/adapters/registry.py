"""The protocols we speak, one line each."""

from typing import Final

from apps.providers.adapters.contract import Adapter
from apps.providers.adapters.hub88.adapter import HUB88
from apps.providers.adapters.iplaygames.adapter import IPLAYGAMES
from apps.providers.adapters.native.adapter import NATIVE
from apps.providers.adapters.swipe.adapter import SWIPE

_ADAPTERS: Final = (NATIVE, SWIPE, HUB88, IPLAYGAMES)

ADAPTERS: Final[dict[str, Adapter]] = {adapter.protocol: adapter for adapter in _ADAPTERS}


def adapter_for(protocol: str) -> Adapter:
    """Return the adapter of a protocol; a protocol that can be chosen has one (a test names it)."""
    return ADAPTERS[protocol]
