"""A root counts, or ceases to, once a second person has agreed."""

from datetime import datetime
from typing import Any, Final

from django.db import transaction

from apps.providers.enums import RootState
from apps.providers.errors import RootMovedError
from apps.providers.models import TrustedRoot
from apps.providers.services.trust import Decision, decide_root, lock_root, require_step
from apps.staff.contracts import ApprovalGrant
from apps.staff.services import request_approval
from apps.staff.services.approvals import Person

ROOT: Final = "providers.trusted_root"
_TITLES: Final = {
    RootState.TRUSTED: "Trust the root {subject} for {lab}",
    RootState.WITHDRAWN: "Withdraw trust in the root {subject} of {lab}",
}


def root_subject(root_id: int) -> str:
    return f"root:{root_id}"


@transaction.atomic
def propose_decision(
    *, root_id: int, wanted: RootState, acting_user: Person, reason: str, now: datetime
) -> int:
    """Ask a second person to trust or withdraw a root; returns the approval's id.

    Raises:
        UnknownCertificateError
        CertificateStateError: it is in that state already, or nobody can ask for that state.
        AlreadyPendingError, ReasonRequiredError, NotAllowedToDecideError: as they say.
    """
    root = lock_root(root_id)
    require_step(root, wanted)
    approval = request_approval(
        kind=ROOT,
        subject=root_subject(root.pk),
        title=_TITLES[wanted].format(subject=root.subject, lab=root.lab.name)[:300],
        payload={**_facts(root), "becomes": wanted.value},
        requested_by=acting_user,
        reason=reason,
        now=now,
    )
    return approval.pk


def recheck_root(payload: dict[str, Any]) -> None:
    """Refuse an approval of a root that is not what it was when somebody asked.

    Raises:
        RootMovedError: it was decided on meanwhile, or its facts differ.
    """
    _require_unmoved(
        TrustedRoot.objects.select_related("lab").filter(pk=payload["root_id"]).first(), payload
    )


def execute_root(grant: ApprovalGrant) -> dict[str, Any]:
    """Trust or withdraw the root as agreed; runs inside the approval.

    Raises:
        RootMovedError: it was decided on meanwhile.
    """
    payload = grant.payload
    root = _require_unmoved(lock_root(payload["root_id"]), payload)
    decision = Decision(
        RootState(payload["becomes"]), f"Approval {grant.approval_id}", grant.now, agreed=grant
    )
    decide_root(root_id=root.pk, decision=decision)
    return {"root_id": root.pk, "state": payload["becomes"]}


def _facts(root: TrustedRoot) -> dict[str, Any]:
    return {
        "root_id": root.pk,
        "laboratory": root.lab.name,
        "root": root.subject,
        "sha256_fingerprint": root.fingerprint,
        "valid_from": root.not_before.isoformat(),
        "valid_until": root.not_after.isoformat(),
        "came_from": root.source,
        "is_now": root.state,
    }


def _require_unmoved(root: TrustedRoot | None, payload: dict[str, Any]) -> TrustedRoot:
    asked = {name: value for name, value in payload.items() if name != "becomes"}
    if root is None or _facts(root) != asked:
        raise RootMovedError(f"The root {payload['root']} is not what it was when this was asked.")
    return root
