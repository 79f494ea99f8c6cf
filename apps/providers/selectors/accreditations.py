"""Which accreditations of labs end without another after them."""

from datetime import date, timedelta
from typing import Final

from django.db.models import Exists, F, OuterRef, Q

from apps.providers.enums import THRESHOLD_DAYS, CertificateState
from apps.providers.models import Certificate, LabAccreditation
from apps.providers.selectors.rehearsals import rehearsed_certificates

PAST: Final = 0
"""Told of after the end; nearer than every threshold before it."""


def issued_unaccredited() -> Q:
    """Return the condition that a report was issued after its lab's accreditation had ended.

    The gate judges each by the same rule (``statements``).
    """
    terms = LabAccreditation.objects.filter(lab=OuterRef("lab"))
    ended = terms.filter(valid_until__lt=OuterRef("issued_on"))
    held = terms.filter(
        valid_from__lte=OuterRef("issued_on"), valid_until__gte=OuterRef("issued_on")
    )
    return Q(Exists(ended)) & ~Q(Exists(held))


def accreditation_by_id(accreditation_id: int) -> LabAccreditation | None:
    return LabAccreditation.objects.select_related("lab").filter(pk=accreditation_id).first()


def accreditations_ending(on: date) -> dict[int, int]:
    """Return the threshold that each ending accreditation has reached and nobody was told of.

    By id; ``PAST`` after the end. One with a term of the lab that ends later does not end, however
    long the lab was without: the new one is on file, so there is none to ask for. A lab without a
    report of its own is nobody's concern.
    """
    after = LabAccreditation.objects.filter(
        lab=OuterRef("lab"), valid_until__gt=OuterRef("valid_until")
    )
    reports = Certificate.objects.filter(
        lab=OuterRef("lab"), state=CertificateState.REGISTERED
    ).exclude(rehearsed_certificates())
    ending = (
        LabAccreditation.objects.filter(valid_until__lte=on + timedelta(days=max(THRESHOLD_DAYS)))
        .filter(~Exists(after), Exists(reports))
        .order_by("valid_until", "pk")
        .values_list("pk", "valid_until", F("told_days"))
    )
    reached = {pk: (_threshold((until - on).days), told) for pk, until, told in ending}
    return {pk: days for pk, (days, told) in reached.items() if told is None or days < told}


def _threshold(days: int) -> int:
    if days < 0:
        return PAST
    return next(threshold for threshold in THRESHOLD_DAYS if days <= threshold)
