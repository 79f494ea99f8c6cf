"""The dialects that a provider may speak, by name."""

from typing import Final

from apps.providers.contracts import Policy
from apps.providers.enums import RollbackNumber
from apps.simulator.dialects.contract import Dialect
from apps.simulator.dialects.hub88 import Caleta, Hub88
from apps.simulator.dialects.iplaygames import IPlayGames, IPlayGamesOwn
from apps.simulator.dialects.native import Native
from apps.simulator.dialects.swipe import Swipe

DIALECTS: Final[dict[str, type[Dialect]]] = {
    kind.name: kind for kind in (Native, Swipe, Hub88, Caleta, IPlayGames, IPlayGamesOwn)
}


def usual_dialect(protocol: str, policy: Policy) -> str:
    """Return the dialect that a provider of this protocol and policy speaks, by its name."""
    names_itself = policy.rollback_number == RollbackNumber.OWN
    return IPlayGamesOwn.name if protocol == IPlayGames.protocol and names_itself else protocol
