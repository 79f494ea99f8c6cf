"""Where a provider's money, secrets and questions are sent: changed by two people."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction

from apps.core.history import note_edit
from apps.core.services import record_audit
from apps.providers.errors import (
    AddressesMovedError,
    InvalidAddressError,
    SameAddressesError,
    UnknownProviderError,
)
from apps.providers.models import Provider
from apps.staff.contracts import ApprovalGrant
from apps.staff.services import request_approval
from apps.staff.services.approvals import Person

if TYPE_CHECKING:
    from datetime import datetime

ADDRESSES: Final = "providers.addresses"

_is_address: Final = URLValidator(schemes=["http", "https"])


@dataclass(frozen=True, slots=True)
class Addresses:
    """The three addresses of a provider; empty where it is not asked."""

    export_url: str
    payload_url: str
    transfer_url: str


@transaction.atomic
def request_addresses(
    provider_id: int, wanted: Addresses, *, acting_user: Person, reason: str, now: "datetime"
) -> int:
    """Ask a second person to send a provider's money and questions elsewhere; returns the approval.

    Raises:
        UnknownProviderError: there is no such provider.
        InvalidAddressError: one of them is no address that we call.
        SameAddressesError: they are these already.
        AlreadyPendingError, ReasonRequiredError, NotAllowedToDecideError: as they say.
    """
    provider = Provider.objects.filter(pk=provider_id).first()
    if provider is None:
        raise UnknownProviderError(str(provider_id))
    _check(wanted)
    present = _present(provider)
    if wanted == present:
        raise SameAddressesError("These are the provider's addresses already.")
    approval = request_approval(
        kind=ADDRESSES,
        subject=f"provider:{provider.code}",
        title=f"Change where {provider.name} is asked",
        payload={"provider": provider.code, "from": asdict(present), "to": asdict(wanted)},
        requested_by=acting_user,
        reason=reason,
        now=now,
    )
    return approval.pk


def recheck_addresses(payload: dict[str, Any]) -> None:
    """Refuse an approval whose starting point is not the present one.

    Raises:
        AddressesMovedError: they changed since it was asked for, or the provider is gone.
    """
    _require_unmoved(Provider.objects.filter(code=payload["provider"]).first(), payload)


def execute_addresses(approved: ApprovalGrant) -> dict[str, Any]:
    """Write the addresses that two people agreed on; runs inside the approval's transaction.

    Raises:
        AddressesMovedError: somebody changed them meanwhile.
    """
    payload = approved.payload
    found = Provider.objects.select_for_update(no_key=True).filter(code=payload["provider"])
    provider = _require_unmoved(found.first(), payload)
    for name, value in payload["to"].items():
        setattr(provider, name, value)
    note_edit(
        provider, acting_user=None, reason=f"Approval {approved.approval_id}", now=approved.now
    )
    provider.save(update_fields=list(payload["to"]))
    record_audit(
        action="providers.addresses.changed",
        actor=None,
        subject=f"providers.provider:{provider.pk}",
        details={**payload, "approval_id": approved.approval_id},
        now=approved.now,
    )
    return {"provider": provider.code, **payload["to"]}


def _present(provider: Provider) -> Addresses:
    return Addresses(provider.export_url, provider.payload_url, provider.transfer_url)


def _check(wanted: Addresses) -> None:
    for value in asdict(wanted).values():
        if not value:
            continue
        try:
            _is_address(value)
        except ValidationError as error:
            raise InvalidAddressError(f"{value!r:.80} is no http or https address.") from error


def _require_unmoved(provider: Provider | None, payload: dict[str, Any]) -> Provider:
    if provider is None or asdict(_present(provider)) != payload["from"]:
        raise AddressesMovedError(f"The addresses of {payload['provider']} changed since.")
    return provider
