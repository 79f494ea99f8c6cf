"""Keeping what each gateway says of the deliveries that wait on its disk."""

from dataclasses import asdict

from django.db import transaction

from apps.gateway.contracts import SpoolFacts
from apps.gateway.models import SpoolReport

_FIGURES = [
    "waiting",
    "waiting_bytes",
    "oldest_at",
    "set_aside",
    "most_waiting",
    "most_bytes",
    "reported_at",
]


@transaction.atomic
def report_spool(facts: SpoolFacts) -> None:
    """Write over what the gateway said before, with one statement.

    A gateway that was started anew keeps the last time that something was brought in.
    """
    changed = _FIGURES if facts.drained_at is None else [*_FIGURES, "drained_at"]
    SpoolReport.objects.bulk_create(
        [SpoolReport(**asdict(facts))],
        update_conflicts=True,
        unique_fields=["gateway"],
        update_fields=changed,
    )
