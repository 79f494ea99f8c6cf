"""The report of a run: as JSON, and as the few lines that people read."""

from collections import Counter
from typing import Any

from tests.soak.checker import check
from tests.soak.contracts import Evidence, State


def report_of(evidence: Evidence, *, seconds: float) -> dict[str, Any]:
    """Check the evidence and return what came of it."""
    verdict = check(evidence)
    history = evidence.history
    invoked = [line for line in history if line.type == "invoke"]
    down = [round(until - since, 1) for since, until in evidence.watched.down]
    return {
        "seed": evidence.seed,
        "holds": verdict.holds,
        "seconds": round(seconds),
        "delivered": len(invoked),
        "operations": len(evidence.entries),
        "compared": verdict.compared,
        "duplicates": sum(line.is_copy for line in invoked),
        "damaged": dict(Counter(line.variant for line in invoked if line.variant != "genuine")),
        "parked": sum(line.is_parked for line in history),
        "in_doubt": sum(line.type == "info" for line in history),
        "server_errors": sum(line.is_server_error for line in history),
        "cancelled": sum(entry.state == State.CANCELLED for entry in evidence.entries),
        "gaps_planted": sum(entry.state == State.GAP for entry in evidence.entries),
        "conflicts": len(evidence.ours.conflicts),
        "kills": dict(Counter(kill.kind for kill in evidence.kills)),
        "samples": len(evidence.samples),
        "gateway_down_seconds": {"times": len(down), "longest": max(down, default=0.0)},
        "drain_seconds": round(evidence.watched.drain_seconds, 1),
        "lost": verdict.lost,
        "extra": verdict.extra,
        "differing": verdict.differing,
        "findings": [{"rule": finding.rule, "what": finding.what} for finding in verdict.findings],
    }


def summary_of(report: dict[str, Any]) -> str:
    """Return the closing lines for people, the last one with the seed and the counts."""
    lines = []
    if report["findings"]:
        lines.append("Look first at:")
        lines += [f"  {finding['rule']}: {finding['what']}" for finding in report["findings"]]
    kills = ", ".join(f"{kind} {count}" for kind, count in sorted(report["kills"].items()))
    lines.append(
        f"SEED {report['seed']}: {'held' if report['holds'] else 'BROKEN'}; "
        f"delivered {report['delivered']}, duplicates {report['duplicates']}, "
        f"parked {report['parked']}, "
        f"operations compared {report['compared']}, gaps planted {report['gaps_planted']}, "
        f"killed {kills or 'nothing'}; lost {report['lost']}, extra {report['extra']}, "
        f"differing {report['differing']}; drained in {report['drain_seconds']} s."
    )
    return "\n".join(lines)
