"""Which players a list begins with: real people."""

from typing import Final

from django.db.models import Q

from apps.core.admin import aside_filter
from apps.players.contracts import REHEARSAL_JURISDICTION

# The acceptance kit's players are left out, unless they are asked for or searched by name.
WhoFilter: Final = aside_filter(
    "who",
    "who",
    lambda: Q(jurisdiction=REHEARSAL_JURISDICTION),
    usual="Real people",
    only=("rehearsal", "Rehearsals only"),
    everything="Everybody",
)
