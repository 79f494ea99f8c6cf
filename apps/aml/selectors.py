"""What the compartment's own people read. Each door records who did."""

from collections.abc import Sequence
from typing import Any

from apps.aml.enums import MatterState
from apps.aml.models import AccessEntry, Matter, Note
from apps.core.contracts import AuditVerdict
from apps.core.sealed import verify_sealed
from apps.staff.enums import Role


def may_enter(user: Any) -> bool:
    """Tell whether ``user`` holds the AML role; being a superuser is not enough."""
    if not user.is_active:
        return False
    if user.is_superuser:
        return bool(user.groups.filter(name=Role.AML_OFFICER).exists())
    return bool(user.has_perm("aml.view_matter"))


def matter_by_id(matter_id: int) -> Matter | None:
    return Matter.objects.filter(pk=matter_id).first()


def notes_of(matter_id: int) -> Sequence[Note]:
    return list(
        Note.objects.filter(matter_id=matter_id).select_related("written_by").order_by("pk")
    )


def accesses_of(matter_id: int, *, limit: int) -> Sequence[AccessEntry]:
    return list(AccessEntry.objects.filter(matter_id=matter_id).order_by("-sequence")[:limit])


def matters_of_player(player_id: int) -> Sequence[Matter]:
    return list(Matter.objects.filter(player_id=player_id).order_by("-pk"))


def open_matters(*, limit: int) -> Sequence[Matter]:
    """Return what must be reported or closed, the first due first."""
    found = Matter.objects.filter(state=MatterState.OPEN).select_related("player")
    return list(found.order_by("due_at", "pk")[:limit])


def verify_access_log() -> AuditVerdict:
    return verify_sealed(AccessEntry)
