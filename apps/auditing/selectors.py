"""How samples are read, and drawn again."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from apps.auditing import draws
from apps.auditing.contracts import Redraw
from apps.auditing.models import NarrowedRows, Sample
from apps.auditing.verifying import ExportVerdict
from apps.core.populations import Member, Narrowing, Population, population_by_name, populations
from apps.core.selectors import audit_hash_at, audited_details
from apps.staff.selectors import Person


def populations_of(user: Person) -> list[Population]:
    """Return the populations whose rows this person may see."""
    return [one for one in populations() if user.has_perm(one.permission)]


def narrowing_of(kept: NarrowedRows, as_of: datetime, last_id: int | None = None) -> Narrowing:
    return Narrowing(
        since=kept.since,
        until=kept.until,
        as_of=as_of,
        provider_code=kept.provider_code,
        jurisdiction=kept.jurisdiction,
        last_id=last_id,
    )


def rows_of_sample(sample: Sample) -> QuerySet[Any]:
    """Return the population that a sample was drawn from, as it was frozen."""
    frozen = narrowing_of(sample, sample.drawn_at, sample.last_id)
    return population_by_name(sample.population).rows(frozen)


def describe_rows(kept: NarrowedRows) -> str:
    """Say in words which rows are meant."""
    population = population_by_name(kept.population)
    parts = [f"{population.label} {population.moment} from {kept.since:%Y-%m-%d %H:%M:%S} UTC"]
    parts.append(f"until before {kept.until:%Y-%m-%d %H:%M:%S} UTC")
    if "provider" in population.filters:
        parts.append(f"provider {kept.provider_code or 'any'}")
    if "jurisdiction" in population.filters:
        parts.append(f"jurisdiction {kept.jurisdiction or 'any'}")
    return ", ".join(parts)


def members_of(sample: Sample) -> list[tuple[int, int, str, Member | None]]:
    """Return (place, id, reference, row) of each member in the order of the draw."""
    kept = list(sample.members.order_by("place").values_list("place", "member_id", "reference"))
    found = population_by_name(sample.population).members([one[1] for one in kept])
    return [(place, pk, reference, found.get(pk)) for place, pk, reference in kept]


@draws.time_to_read()
def drawn_again(sample: Sample, now: datetime) -> Redraw:
    """Draw a sample once more from what the database holds now, to compare. Nothing is kept.

    Raises:
        PopulationTooSlowError: the rows can't be read in the time there is.
    """
    rows = rows_of_sample(sample)
    return Redraw(
        population_size=rows.count(),
        member_ids=draws.drawn_ids(rows, seed=sample.seed, size=sample.size),
        drawn_at=now,
    )


def draws_of_same_rows(sample: Sample, *, limit: int) -> tuple[list[Sample], int]:
    """Return the newest draws from the same rows, and how many there are in all: seeds tried.

    The end of the period is left out of it: it can be moved by a second to look like other rows.
    """
    same = Sample.objects.filter(
        population=sample.population,
        since=sample.since,
        provider_code=sample.provider_code,
        jurisdiction=sample.jurisdiction,
    )
    return list(same.select_related("drawn_by").order_by("-pk")[:limit]), same.count()


def chain_flaw(verdict: ExportVerdict) -> str:
    """Say how the audit chain contradicts an export's manifest; empty where it doesn't."""
    manifest = verdict.manifest
    # However often it was downloaded since; an export is made once, so the first entry counts.
    made = audited_details("auditing.export.made", f"auditing.export:{manifest['export']}")
    if not made:
        return "no export of this number was made here"
    if made[0]["manifest_sha256"] != verdict.manifest_sha256:
        return "the manifest is not the one that was made"
    head = manifest["audit_chain"]
    if audit_hash_at(int(head["entries"])) != head["head_hash"]:
        return "it has another entry where the manifest names its head"
    return ""


def sample_by_number(number: str) -> Sample | None:
    is_number = number.isascii() and number.isdigit() and len(number) < 18
    return Sample.objects.filter(pk=int(number)).first() if is_number else None


def newest_samples(*, limit: int) -> list[Sample]:
    return list(Sample.objects.select_related("drawn_by").order_by("-pk")[:limit])
