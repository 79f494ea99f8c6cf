"""Drawing samples."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Final

from apps.auditing import draws
from apps.auditing.contracts import ALGORITHM, SampleRequest
from apps.auditing.errors import (
    EmptyPopulationError,
    PeriodError,
    PopulationNotYoursError,
    SampleSizeError,
    SeedError,
    UnusedFilterError,
)
from apps.auditing.models import Sample, SampleMember
from apps.auditing.selectors import describe_rows
from apps.core.populations import Narrowing, Population, population_by_name
from apps.core.reasons import require_reason
from apps.core.services import record_audit
from apps.staff.selectors import Person

LARGEST: Final = 1_000
_SEED: Final = re.compile(r"[!-~]{1,64}")


def draw_sample(request: SampleRequest, *, acting_user: Person, now: datetime) -> Sample:
    """Draw rows by a seed and keep which ones, for good.

    The population is frozen first: what is still being written by then is waited for, outside any
    transaction.

    Raises:
        UnknownPopulationError, PopulationNotYoursError, PeriodError, UnusedFilterError,
        SampleSizeError, SeedError, ReasonRequiredError, EmptyPopulationError,
        PopulationBusyError, PopulationTooSlowError: as they say.
    """
    population = permitted_population(request.population, acting_user)
    check_narrowing(population, request.narrowing, now)
    _check(request)
    narrowing = replace(request.narrowing, as_of=now)
    last_id = draws.highest_id(population.rows(narrowing))
    if last_id is None:
        raise EmptyPopulationError(population.label)
    frozen = replace(request, narrowing=replace(narrowing, last_id=last_id))
    return _draw(population, frozen, last_id, acting_user, now)


def permitted_population(name: str, person: Person) -> Population:
    """Return a population that this person may see.

    Raises:
        UnknownPopulationError, PopulationNotYoursError: as they say.
    """
    population = population_by_name(name)
    if not person.has_perm(population.permission):
        raise PopulationNotYoursError(population.label)
    return population


def check_narrowing(population: Population, narrowing: Narrowing, now: datetime) -> None:
    """Refuse a period that isn't over, and a filter that would be left out in silence.

    Raises:
        PeriodError, UnusedFilterError: as they say.
    """
    if not narrowing.since < narrowing.until <= now:
        raise PeriodError
    given = {"provider": narrowing.provider_code, "jurisdiction": narrowing.jurisdiction}
    for name, code in given.items():
        if code and name not in population.filters:
            raise UnusedFilterError(population.label, name)


def _check(request: SampleRequest) -> None:
    if not 1 <= request.size <= LARGEST:
        raise SampleSizeError(LARGEST)
    if _SEED.fullmatch(request.seed) is None:
        raise SeedError
    require_reason(request.purpose)


@draws.time_to_read()
def _draw(
    population: Population, request: SampleRequest, last_id: int, person: Person, now: datetime
) -> Sample:
    rows = population.rows(request.narrowing)
    population_size = rows.count()
    ids = draws.drawn_ids(rows, seed=request.seed, size=request.size)
    known = population.members(ids)
    sample = Sample.objects.create(
        population=population.name,
        since=request.narrowing.since,
        until=request.narrowing.until,
        provider_code=request.narrowing.provider_code,
        jurisdiction=request.narrowing.jurisdiction,
        last_id=last_id,
        seed=request.seed,
        size=request.size,
        population_size=population_size,
        members_count=len(ids),
        members_sha256=draws.members_digest(ids),
        purpose=request.purpose.strip(),
        drawn_at=now,
        drawn_by_id=person.pk or 0,
    )
    SampleMember.objects.bulk_create(
        SampleMember(sample=sample, place=place, member_id=pk, reference=known[pk].reference[:200])
        for place, pk in enumerate(ids, start=1)
    )
    record_audit(
        action="auditing.sample.drawn",
        actor=person,
        subject=f"auditing.sample:{sample.pk}",
        details={
            "population": describe_rows(sample),
            "last_id": last_id,
            "population_size": population_size,
            "algorithm": ALGORITHM,
            "seed": sample.seed,
            "size": sample.size,
            "members_sha256": sample.members_sha256,
        },
        reason=sample.purpose,
        now=now,
    )
    return sample
