"""Which kinds of approval there are, and what happens when one is given."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apps.staff.contracts import ApprovalGrant
from apps.staff.errors import UnknownApprovalKindError

type Handler = Callable[[ApprovalGrant], dict[str, Any]]
type Recheck = Callable[[dict[str, Any]], None]
type Editors = Callable[[dict[str, Any]], set[int]]


@dataclass(frozen=True, slots=True)
class ApprovalKind:
    """How approvals of one kind are decided and executed.

    ``permission`` is what the approver needs, and ``asking`` what lets somebody ask: what was asked
    with it by somebody who has lost it since is void. ``handler`` runs inside the approving
    transaction and returns plain JSON. ``recheck`` raises a DomainError when the thing itself is no
    longer what the payload says; the approval is then void too. ``editors`` names people who made
    the content and so may not approve it, besides the requester.
    """

    kind: str
    permission: str
    asking: str
    handler: Handler
    recheck: Recheck | None = None
    editors: Editors | None = None
    label: str = ""


_KINDS: dict[str, ApprovalKind] = {}


def register_approval(  # noqa: PLR0913 - the seven parts of a kind, as ``ApprovalKind`` holds them
    kind: str,
    *,
    permission: str,
    asking: str,
    handler: Handler,
    recheck: Recheck | None = None,
    editors: Editors | None = None,
    label: str = "",
) -> None:
    """Register a kind; call it from ``AppConfig.ready()``. The last registration of a kind wins."""
    _KINDS[kind] = ApprovalKind(kind, permission, asking, handler, recheck, editors, label or kind)


def approval_kind(kind: str) -> ApprovalKind:
    """Return how ``kind`` works.

    Raises:
        UnknownApprovalKindError: no app registered it.
    """
    try:
        return _KINDS[kind]
    except KeyError:
        raise UnknownApprovalKindError(kind) from None


def registered_kinds() -> list[ApprovalKind]:
    return sorted(_KINDS.values(), key=lambda kind: kind.kind)
