"""A story told in steps: each does something real and says whether what it found is true."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from django.core.management.base import CommandError

from apps.core.embedded.errors import EmbeddedServerError, StackError
from apps.core.errors import DomainError

# What a step may fail with and the story still be told; anything else is a bug and ends it.
EXPECTED_FAILURES = (DomainError, StackError, EmbeddedServerError, CommandError, httpx.HTTPError)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a step found. ``text`` is for people; ``figures`` are for ``--json``."""

    is_held: bool
    text: str
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step[T]:
    name: str
    run: Callable[[T], Finding]
    """Gets what the steps before it left."""


@dataclass(frozen=True, slots=True)
class Outcome:
    name: str
    finding: Finding


type Tell = Callable[[int, int], None]
"""Moves a progress bar: called with what is done and how much there is to do."""


def tell_story[T](
    steps: Sequence[Step[T]],
    stage: T,
    *,
    on_start: Callable[[str], None],
    on_end: Callable[[Outcome], None],
) -> list[Outcome]:
    """Run the steps in order; after one that fails, the others are named as not reached."""
    outcomes: list[Outcome] = []
    is_broken = False
    for step in steps:
        if is_broken:
            finding = Finding(is_held=False, text="Not reached: a step before it failed.")
        else:
            on_start(step.name)
            try:
                finding = step.run(stage)
            except EXPECTED_FAILURES as error:
                code = getattr(error, "code", type(error).__name__)
                finding = Finding(is_held=False, text=f"{error} ({code})")
                is_broken = True
        outcomes.append(Outcome(step.name, finding))
        on_end(outcomes[-1])
    return outcomes
