"""How cases are locked: after the approval and the person, before the player's wallet."""

from apps.disputes.errors import UnknownCaseError
from apps.disputes.models import Case


def lock_case(case_id: int) -> Case:
    """Lock one case until the end of the transaction.

    Raises:
        UnknownCaseError: there is no such case.
    """
    case = (
        Case.objects.select_for_update(of=("self",))
        .select_related("player", "provider")
        .filter(pk=case_id)
        .first()
    )
    if case is None:
        raise UnknownCaseError(case_id)
    return case
