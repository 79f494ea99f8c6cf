"""Keeping a run's evidence in its folder, so that the checker can be asked again later."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from tests.soak.contracts import (
    Entry,
    Evidence,
    Kill,
    OurEvent,
    Ours,
    Sample,
    Watched,
)
from tests.soak.history import read_history

HISTORY: Final = "history.jsonl"
_REST: Final = "evidence.json"


def save_evidence(evidence: Evidence, folder: Path) -> None:
    """Write everything but the history, which is there already."""
    rest = asdict(replace(evidence, history=()))
    (folder / _REST).write_text(json.dumps(rest, default=sorted))


def load_evidence(folder: Path) -> Evidence:
    rest: dict[str, Any] = json.loads((folder / _REST).read_text())
    ours, watched = rest.pop("ours"), rest.pop("watched")
    return Evidence(
        seed=rest["seed"],
        patience=rest["patience"],
        openings=rest["openings"],
        entries=tuple(Entry(**entry) for entry in rest["entries"]),
        forged_only=_keys(rest["forged_only"]),
        history=tuple(read_history(folder / HISTORY)),
        ours=Ours(
            **{
                **ours,
                "events": tuple(OurEvent(**event) for event in ours["events"]),
                "conflicts": _keys(ours["conflicts"]),
            }
        ),
        told=tuple((provider, player, balance) for provider, player, balance in rest["told"]),
        samples=tuple(Sample(**sample) for sample in rest["samples"]),
        kills=tuple(Kill(**kill) for kill in rest["kills"]),
        watched=Watched(**watched),
    )


def _keys(pairs: list[list[str]]) -> frozenset[tuple[str, str]]:
    return frozenset((provider, operation) for provider, operation in pairs)
