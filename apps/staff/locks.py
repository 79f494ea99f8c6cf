"""How staff's rows are locked: the approval first, then people by id, then second factors."""

from collections.abc import Iterable

from allauth.mfa.models import Authenticator

from apps.staff.errors import UnknownApprovalError
from apps.staff.models import Approval, User


def lock_approval(approval_id: int) -> Approval:
    """Lock one approval until the end of the transaction.

    Raises:
        UnknownApprovalError: there is no such approval.
    """
    approval = Approval.objects.select_for_update().filter(pk=approval_id).first()
    if approval is None:
        raise UnknownApprovalError(approval_id)
    return approval


def lock_user(user_id: int) -> User:
    """Lock one person's account, so that a deactivation waits or is seen."""
    return User.objects.select_for_update(no_key=True).get(pk=user_id)


def lock_people(user_ids: Iterable[int]) -> dict[int, User]:
    """Lock several accounts like ``lock_user``, in the order of their ids."""
    people = User.objects.select_for_update(no_key=True).filter(pk__in=set(user_ids))
    return {person.pk: person for person in people.order_by("pk")}


def lock_authenticators(user_id: int) -> list[Authenticator]:
    """Lock what a person proves a second time with, so that a code is spent once."""
    return list(Authenticator.objects.select_for_update().filter(user_id=user_id).order_by("pk"))
