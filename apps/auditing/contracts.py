"""What people ask of the auditor's tools, and what they get."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from apps.auditing.enums import ExportFormat
from apps.core.populations import Narrowing

ALGORITHM: Final = 'the lowest SHA-256 of "SEED:ID", ascending'


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """A sample as asked for: of what, how many, and by which seed."""

    population: str
    narrowing: Narrowing
    size: int
    seed: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Redraw:
    """A sample drawn once more, to compare: the ids in the order of the draw."""

    population_size: int
    member_ids: list[int]
    drawn_at: datetime


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Rows to take away: of a sample, or of a narrowing where ``sample_id`` is None."""

    population: str
    narrowing: Narrowing
    reason: str
    sample_id: int | None = None
    with_personal_data: bool = False
    file_format: ExportFormat = ExportFormat.CSV
