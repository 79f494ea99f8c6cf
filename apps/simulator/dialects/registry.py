"""The dialects that a provider may speak, by name."""

from typing import Final

from apps.simulator.dialects.contract import Dialect
from apps.simulator.dialects.hub88 import Caleta, Hub88
from apps.simulator.dialects.iplaygames import IPlayGames
from apps.simulator.dialects.native import Native
from apps.simulator.dialects.swipe import Swipe

DIALECTS: Final[dict[str, type[Dialect]]] = {
    kind.name: kind for kind in (Native, Swipe, Hub88, Caleta, IPlayGames)
}
