from apps.aml.errors import UnknownMatterError
from apps.aml.models import Matter


def lock_matter(matter_id: int) -> Matter:
    """Lock one matter until the end of the transaction.

    Raises:
        UnknownMatterError: there is no such matter.
    """
    matter = Matter.objects.select_for_update().filter(pk=matter_id).first()
    if matter is None:
        raise UnknownMatterError(matter_id)
    return matter
