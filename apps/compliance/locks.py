"""How renewals are locked: one by one, or many in the order of their ids."""

from collections.abc import Iterable

from apps.compliance.errors import UnknownRenewalError
from apps.compliance.models import Renewal


def lock_renewal(renewal_id: int) -> Renewal:
    """Lock one renewal until the end of the transaction.

    Raises:
        UnknownRenewalError: there is no such renewal.
    """
    renewal = lock_renewals([renewal_id]).get(renewal_id)
    if renewal is None:
        raise UnknownRenewalError(renewal_id)
    return renewal


def lock_renewals(renewal_ids: Iterable[int]) -> dict[int, Renewal]:
    """Lock renewals until the end of the transaction, in the order of their ids."""
    locked = (
        Renewal.objects.select_for_update(of=("self",))
        .select_related("certificate", "owner", "deputy")
        .filter(pk__in=sorted(renewal_ids))
        .order_by("pk")
    )
    return {renewal.pk: renewal for renewal in locked}
