"""Taking a provider live: the checklist holds, and two people say so."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from apps.core.services import record_audit
from apps.onboarding.contracts import Standing
from apps.onboarding.enums import WAIVABLE
from apps.onboarding.errors import (
    ChecklistMovedError,
    ItemNotWaivableError,
    ItemsNotProvenError,
)
from apps.onboarding.selectors import onboarding_of, standings, subject_of
from apps.onboarding.services.proving import broken_since
from apps.providers.enums import ProviderStage
from apps.providers.errors import AlreadyLiveError
from apps.providers.selectors import provider_by_code
from apps.providers.services.standing import take_live
from apps.staff.contracts import ApprovalGrant
from apps.staff.services import request_approval
from apps.staff.services.approvals import Person

GO_LIVE: Final = "onboarding.go_live"


@transaction.atomic
def request_go_live(
    provider_code: str,
    *,
    waived: Collection[str] = (),
    acting_user: Person,
    reason: str,
    now: datetime,
) -> int:
    """Ask a second person to take a provider live; returns the approval's id.

    The approval binds the proofs that stand now: a newer one that differs makes it void. What our
    own tables can tell is looked at once more, here and when it is agreed to: a proof is up to a
    day old. ``waived`` items may be red; the approver sees which.

    Raises:
        UnknownOnboardingError: the provider has no checklist.
        AlreadyLiveError: the provider is live.
        ItemNotWaivableError: an item that must hold was waived.
        ItemsNotProvenError: an item that was not waived does not hold, or not any more.
        AlreadyPendingError, ReasonRequiredError, NotAllowedToDecideError: as they say.
    """
    provider = provider_by_code(provider_code)
    if provider.stage == ProviderStage.LIVE:
        raise AlreadyLiveError(provider_code)
    found = standings(onboarding_of(provider_code).pk)
    _require_proven(found, waived)
    holding = [one.item for one in found if one.is_green and one.item not in waived]
    _require_still_so(provider_code, holding, now)
    approval = request_approval(
        kind=GO_LIVE,
        subject=f"provider:{provider_code}",
        title=f"Take {provider.name} live" + (f", {len(waived)} waived" if waived else ""),
        payload={
            "provider": provider_code,
            "waived": sorted(waived),
            "items": {one.item: {"holds": one.is_green, "found": one.summary} for one in found},
        },
        requested_by=acting_user,
        reason=reason,
        now=now,
    )
    return approval.pk


def recheck_go_live(payload: dict[str, Any]) -> None:
    """Refuse an approval whose checklist does not hold any more.

    Raises:
        ChecklistMovedError: an item holds now that did not, or the other way round.
    """
    _require_same(payload)


def execute_go_live(approved: ApprovalGrant) -> dict[str, Any]:
    """Take the provider live; runs inside the approval's transaction.

    Raises:
        ChecklistMovedError, ItemsNotProvenError, AlreadyLiveError: as they say; the approval stays
            pending.
    """
    payload = approved.payload
    _require_same(payload)
    code: str = payload["provider"]
    items: dict[str, Any] = payload["items"]
    holding = [item for item in items if items[item]["holds"] and item not in payload["waived"]]
    _require_still_so(code, holding, approved.now)
    take_live(code, reason=f"Approval {approved.approval_id}: go-live", now=approved.now)
    record_audit(
        action="onboarding.went_live",
        actor=None,
        subject=f"provider:{code}",
        details={"approval_id": approved.approval_id, "waived": payload["waived"]},
        now=approved.now,
    )
    return {"provider": code, "waived": payload["waived"]}


def _require_proven(found: list[Standing], waived: Collection[str]) -> None:
    for item in waived:
        if item not in WAIVABLE:
            raise ItemNotWaivableError(item)
    missing = [one.label for one in found if not one.is_green and one.item not in waived]
    if missing:
        raise ItemsNotProvenError(missing)


def _require_still_so(provider_code: str, items: Collection[str], now: datetime) -> None:
    onboarding, subject = onboarding_of(provider_code), subject_of(provider_code)
    broken = broken_since(items, onboarding, subject, now)
    if broken:
        raise ItemsNotProvenError(broken)


def _require_same(payload: dict[str, Any]) -> None:
    found = standings(onboarding_of(payload["provider"]).pk)
    now = {one.item: one.is_green for one in found}
    if now != {item: said["holds"] for item, said in payload["items"].items()}:
        raise ChecklistMovedError(payload["provider"])
