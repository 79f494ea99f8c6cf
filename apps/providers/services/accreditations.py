"""Noting of which threshold before an accreditation's end people were told."""

from django.db.models import Q

from apps.providers.models import LabAccreditation


def note_told(accreditation_id: int, *, days: int) -> bool:
    """Note the threshold; False if this one, or a nearer one, was noted before.

    The row is locked until the caller's transaction ends, so that of two runs one tells.
    """
    untold = LabAccreditation.objects.filter(
        Q(told_days__isnull=True) | Q(told_days__gt=days), pk=accreditation_id
    )
    return untold.update(told_days=days) == 1


def forget_told(accreditation_id: int) -> None:
    """Take the note back where the telling reached nobody, so that it is told anew."""
    LabAccreditation.objects.filter(pk=accreditation_id).update(told_days=None)
