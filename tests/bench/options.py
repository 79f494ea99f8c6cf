"""What a run of the bench can be told."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """``seconds`` and ``rounds`` are of each run; the rest sizes the long parts."""

    seconds: float = 4.0
    rounds: int = 3
    stored_rounds: int = 10_000_000
    minutes: float = 10.0
