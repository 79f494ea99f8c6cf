"""What a measurement came to, beside its baseline and its bar."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from rich.table import Table


@dataclass(frozen=True)
class Bar:
    """One line of the final table. ``is_met`` is None where there is a figure but no bar."""

    measure: str
    ours: str
    baseline: str
    ratio: str
    bar: str
    is_met: bool | None
    remark: str = ""


def ratio_bar(
    measure: str, ours: Sequence[float], baseline: Sequence[float], at_least: float, remark: str
) -> Bar:
    """Judge the median of the ratios of rounds taken one after the other.

    Each round's two runs met the same noise, so that their ratio says more than either figure.
    """
    ratios = [our / base for our, base in zip(ours, baseline, strict=True)]
    ratio = median(ratios)
    spread = f"; rounds {min(ratios):.2f}-{max(ratios):.2f}" if len(ratios) > 1 else ""
    return Bar(
        measure=measure,
        ours=f"{median(ours):,.0f}",
        baseline=f"{median(baseline):,.0f}",
        ratio=f"{ratio:.2f}",
        bar=f">= {at_least:g}",
        is_met=ratio >= at_least,
        remark=remark + spread,
    )


def no_worse_bar(measure: str, ours: Sequence[float], baseline: Sequence[float]) -> Bar:
    """Judge that the median of ours is at most the baseline's, for latencies."""
    our, base = median(ours), median(baseline)
    return Bar(
        measure=measure,
        ours=f"{our:.1f}",
        baseline=f"{base:.1f}",
        ratio=f"{our / base:.2f}",
        bar="<= 1",
        is_met=our <= base,
    )


def table_of(bars: Iterable[Bar]) -> Table:
    table = Table(title="make bench: durable commits, everything on the same cores")
    for heading in ("measure", "ours", "baseline", "ratio", "bar", "met", "remark"):
        justify: Any = "left" if heading in {"measure", "remark"} else "right"
        table.add_column(heading, justify=justify)
    words = {True: "met", False: "[red]missed[/red]", None: "-"}
    for bar in bars:
        found = asdict(bar)
        table.add_row(*(words[bar.is_met] if k == "is_met" else v for k, v in found.items()))
    return table


def slope_per_minute(samples: Sequence[tuple[float, float]]) -> float:
    """Return the least-squares slope of ``(second, value)`` samples, per minute."""
    count = len(samples)
    mean_x = sum(x for x, _ in samples) / count
    mean_y = sum(y for _, y in samples) / count
    spread = sum((x - mean_x) ** 2 for x, _ in samples)
    if spread == 0:
        return 0.0
    return 60 * sum((x - mean_x) * (y - mean_y) for x, y in samples) / spread
