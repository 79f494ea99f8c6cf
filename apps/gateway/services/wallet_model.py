"""Changing how a provider is played with: two people, and nothing left open in the old way.

A round that is open has no money of its own in a sub-wallet or at the provider once its stake is
taken; what it still pays would go by the new model, to a pot that nobody staked from.
"""

from datetime import datetime
from typing import Any, Final

from django.db import transaction

from apps.core.services import record_audit
from apps.gateway.errors import OpenMoneyError, SameWalletModelError, WalletModelMovedError
from apps.gateway.selectors import what_is_open
from apps.providers.enums import WalletModel
from apps.providers.selectors.catalogue import provider_by_code
from apps.providers.services.wallet_model import (
    WalletSetting,
    lock_wallet_model,
    save_wallet_model,
)
from apps.staff.contracts import ApprovalGrant
from apps.staff.services import request_approval
from apps.staff.services.approvals import Person

WALLET_MODEL: Final = "gateway.wallet_model"


@transaction.atomic
def request_wallet_model(
    *, provider_code: str, model: WalletModel, acting_user: Person, reason: str, now: datetime
) -> int:
    """Ask a second person to play with a provider in another way; returns the approval's id.

    Raises:
        UnknownProviderError: there is no such provider.
        SameWalletModelError: it is played like that already.
        OpenMoneyError: rounds or money are open in the present model; the sentence says what and
            how much.
        AlreadyPendingError, ReasonRequiredError, NotAllowedToDecideError: as they say.
    """
    provider = provider_by_code(provider_code)
    if provider.wallet_model == model:
        raise SameWalletModelError(f"{provider_code} is played with this model already.")
    _require_nothing_open(provider.pk, provider_code)
    old = WalletModel(provider.wallet_model)
    approval = request_approval(
        kind=WALLET_MODEL,
        subject=f"provider:{provider_code}",
        title=f"Play with {provider.name} by: {model.label} (now: {old.label})",
        payload={"provider": provider_code, "from": str(old), "to": str(model)},
        requested_by=acting_user,
        reason=reason,
        now=now,
    )
    return approval.pk


def recheck_wallet_model(payload: dict[str, Any]) -> None:
    """Refuse an approval that is about another model than the provider's present one.

    Raises:
        WalletModelMovedError: it changed since.
        UnknownProviderError: there is no such provider any more.
    """
    _require_unmoved(provider_by_code(payload["provider"]).wallet_model, payload)


def execute_wallet_model(approved: ApprovalGrant) -> dict[str, Any]:
    """Change the model that two people agreed on; runs inside the approval's transaction.

    The provider is locked first, so that nobody fills a pot of the old model meanwhile.

    Raises:
        OpenMoneyError: rounds or money came in since it was asked for; the approval stays pending.
        WalletModelMovedError: somebody changed the model meanwhile.
    """
    payload = approved.payload
    setting: WalletSetting = lock_wallet_model(payload["provider"])
    _require_unmoved(setting.wallet_model, payload)
    _require_nothing_open(setting.provider_id, setting.provider_code)
    model = WalletModel(payload["to"])
    save_wallet_model(
        setting.provider_code,
        model,
        acting_user=None,
        reason=f"Approval {approved.approval_id}: wallet model {payload['from']} to {model}",
        now=approved.now,
    )
    record_audit(
        action="gateway.wallet_model.changed",
        actor=None,
        subject=f"provider:{setting.provider_code}",
        details={**payload, "approval_id": approved.approval_id},
        now=approved.now,
    )
    return {"provider": setting.provider_code, "wallet_model": str(model)}


def _require_unmoved(wallet_model: str, payload: dict[str, Any]) -> None:
    if wallet_model != payload["from"]:
        raise WalletModelMovedError(
            f"{payload['provider']} is not played with '{payload['from']}' any more."
        )


def _require_nothing_open(provider_id: int, provider_code: str) -> None:
    found = what_is_open(provider_id, provider_code)
    if found:
        raise OpenMoneyError(
            f"Open at {provider_code}: {', '.join(found)}. "
            "Let the rounds close, sweep or cash out, and resolve transfers first; Wallet models "
            "lists all of it."
        )
