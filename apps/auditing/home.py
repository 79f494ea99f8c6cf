"""What an auditor drew last."""

from django.http import HttpRequest
from django.urls import reverse

from apps.auditing.models import Sample
from apps.auditing.selectors import newest_samples
from apps.core.populations import population_by_name
from apps.staff.contracts import HomeCard, HomeRow
from apps.staff.home_cards import MAX_ROWS


def samples_card(request: HttpRequest) -> HomeCard:
    samples = newest_samples(limit=MAX_ROWS)
    may_draw = request.user.has_perm("auditing.add_sample")
    return HomeCard(
        title="Samples",
        link=reverse("admin:auditing_sample_changelist"),
        rows=tuple(_row(sample) for sample in samples),
        empty_text="None was drawn yet. Draw one under Staff & audit, Samples, with the plus."
        if may_draw
        else "No auditor drew one yet.",
    )


def _row(sample: Sample) -> HomeRow:
    return HomeRow(
        title=f"{sample}: {population_by_name(sample.population).label.lower()}",
        link=reverse("admin:auditing_sample_change", args=[sample.pk]),
        meta=f"{sample.members_count:,} of {sample.population_size:,}, {sample.drawn_by}",
    )
