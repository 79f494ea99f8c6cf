"""Looking at one item of a provider's checklist: what is there, and does it hold?

Each prover reads tables or asks the provider, and writes nothing: no transaction is open while
somebody else's server is waited for.
"""

import hashlib
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from apps.core import http
from apps.core.errors import DomainError
from apps.onboarding.contracts import Finding, Subject
from apps.onboarding.enums import ChecklistItem
from apps.onboarding.models import Onboarding
from apps.onboarding.selectors import newest_promise, newest_run, setting_hash
from apps.providers.contracts import REHEARSAL_KEY_PREFIX
from apps.providers.selectors.coverage import coverage_on
from apps.providers.selectors.keys import keys_of
from apps.reconciliation.contracts import PullFacts
from apps.reconciliation.selectors import newest_pull
from apps.rounds.selectors import edge_events
from apps.rounds.traffic import deliveries_with_key

KIT_VERSION: Final = 2
"""The acceptance kit's version whose runs count; an older kit asked for less."""
PULL_MAX_AGE: Final = timedelta(days=3)
PROBES: Final = 5
PROBE_MAX_MS: Final = 200
"""domain.md 5.7 and M10: a round trip above 200 ms repeatedly is too slow."""
_CALL_SECONDS: Final = 10
_CALL_BYTES: Final = 1 << 20
_SHOWN: Final = 10

OF_OUR_TABLES: Final = (
    ChecklistItem.ACCEPTANCE,
    ChecklistItem.EXPORT_PULL,
    ChecklistItem.CERTIFICATES,
    ChecklistItem.RETENTION,
    ChecklistItem.KEY_ROTATION,
)
"""Items that nobody outside is asked about: they can be looked at inside a transaction."""

type Prover = Callable[[Onboarding, Subject, datetime], Finding]


def look_at(
    item: ChecklistItem, onboarding: Onboarding, subject: Subject, now: datetime
) -> Finding:
    """Return what holds of one item now; a provider that can't be asked is red, with the reason."""
    return _PROVERS[item](onboarding, subject, now)


def broken_since(
    items: Iterable[str], onboarding: Onboarding, subject: Subject, now: datetime
) -> list[str]:
    """Return which of these items do not hold by what our own tables say now, by their labels.

    A proof is up to a day old; what proved it may have changed since.
    """
    asked = [item for item in OF_OUR_TABLES if item.value in set(items)]
    return [
        str(item.label) for item in asked if not look_at(item, onboarding, subject, now).is_green
    ]


def _acceptance(onboarding: Onboarding, subject: Subject, _now: datetime) -> Finding:
    run = newest_run(onboarding.pk)
    command = f"manage.py acceptance --provider {subject.code}"
    if run is None:
        return _red(f"No run is recorded. Run {command}.", {})
    evidence = {
        "run_id": run.pk,
        "played_at": run.played_at.isoformat(),
        "dialect": run.dialect,
        "counts": run.report["counts"],
    }
    when = f"{run.played_at:%Y-%m-%d %H:%M} UTC"
    if run.kit_version < KIT_VERSION:
        return _red(f"The run of {when} was by an older kit. Run {command} again.", evidence)
    if run.setting_hash != setting_hash(subject):
        return _red(
            f"Protocol, wallet model or policy changed since the run of {when}. "
            f"Run {command} again.",
            evidence,
        )
    counts = run.report["counts"]
    # jsonb keeps no order of its own.
    told = ", ".join(f"{counts[colour]} {colour}" for colour in sorted(counts, key=_by_colour))
    return Finding(run.is_green, f"Run of {when}: {told}.", evidence)


def _by_colour(colour: str) -> tuple[bool, bool, str]:
    return colour != "green", colour != "red", colour


def _export_pull(_onboarding: Onboarding, subject: Subject, now: datetime) -> Finding:
    if not subject.export_url or not subject.export_token:
        return _red("No export address or no token is set.", {})
    pull = newest_pull(subject.id)
    if pull is None:
        return _red(f"Nothing was pulled. Run manage.py pull_rounds --provider {subject.code}.", {})
    evidence = {
        "day": pull.day.isoformat(),
        "state": pull.state,
        "rows": pull.rows,
        "at": pull.moved_at.isoformat(),
        "last_error": pull.last_error,
    }
    objection = _objection_to(pull, now)
    if objection:
        return _red(objection, evidence)
    return Finding(
        is_green=True, summary=f"{pull.day}: {pull.rows:,} rows pulled whole.", evidence=evidence
    )


def _objection_to(pull: PullFacts, now: datetime) -> str:
    if pull.last_error:
        return f"The pull of {pull.day} failed: {pull.last_error}"[:500]
    if not pull.is_complete:
        return f"The pull of {pull.day} is not complete."
    if now - pull.moved_at > PULL_MAX_AGE:
        return f"The last complete pull is of {pull.moved_at:%Y-%m-%d %H:%M} UTC."
    return ""


def _payload_by_id(_onboarding: Onboarding, subject: Subject, now: datetime) -> Finding:
    if not subject.payload_url:
        return _red("No address for payloads is set.", {})
    since = now - timedelta(days=30 * subject.retention_months)
    edges = edge_events(subject.id, since=since)
    if edges is None:
        return _red("There is no event to ask for yet: rehearse some rounds.", {})
    asked, objection = _ask_for_payloads(subject, dict(edges))
    if objection:
        return _red(objection[:500], {"asked": asked})
    oldest = min(at for _, at in edges)
    return Finding(
        is_green=True,
        summary=f"Newest and oldest event answered; the oldest we hold is of {oldest:%Y-%m-%d}, "
        f"{subject.retention_months} months are promised.",
        evidence={"asked": asked},
    )


def _ask_for_payloads(
    subject: Subject, events: Mapping[str, datetime]
) -> tuple[list[dict[str, object]], str]:
    """Ask for each event until one is not answered; returns the answers and what was wrong."""
    asked: list[dict[str, object]] = []
    for event_id, occurred_at in events.items():
        try:
            answer = _fetch_payload(subject, event_id)
        except DomainError as error:
            return asked, f"{event_id} of {occurred_at:%Y-%m-%d}: {error}"
        asked.append(
            {
                "event_id": event_id,
                "occurred_at": occurred_at.isoformat(),
                "bytes": len(answer.body),
                "sha256": hashlib.sha256(answer.body).hexdigest(),
            }
        )
        if event_id.encode() not in answer.body:
            return asked, f"The answer for {event_id} does not name it."
    return asked, ""


def _fetch_payload(subject: Subject, event_id: str) -> http.Response:
    return http.get(
        f"{subject.payload_url.rstrip('/')}/{quote(event_id, safe='')}",
        headers={"authorization": f"Bearer {subject.export_token}"},
        timeout_seconds=_CALL_SECONDS,
        max_bytes=_CALL_BYTES,
    )


def _certificates(_onboarding: Onboarding, subject: Subject, now: datetime) -> Finding:
    cells = [cell for cell in coverage_on(now.date()) if cell.provider_code == subject.code]
    open_cells = [cell for cell in cells if not cell.cover.allowed]
    named = [f"{cell.game_code} in {cell.jurisdiction}" for cell in open_cells]
    evidence = {"offers": len(cells), "uncovered": len(open_cells), "first": named[:_SHOWN]}
    if not cells:
        return _red("The catalogue is empty: no game is on offer.", evidence)
    if open_cells:
        more = "" if len(named) <= 3 else f" and {len(named) - 3} more"
        return _red(
            f"{len(open_cells)} of {len(cells)} offers are not covered: "
            f"{', '.join(named[:3])}{more}.",
            evidence,
        )
    return Finding(
        is_green=True, summary=f"All {len(cells)} offers are covered.", evidence=evidence
    )


def _probes(_onboarding: Onboarding, subject: Subject, now: datetime) -> Finding:
    since = now - timedelta(days=30 * subject.retention_months)
    edges = edge_events(subject.id, since=since)
    if not subject.payload_url or edges is None:
        return _red("A probe asks for a payload: set its address and rehearse some rounds.", {})
    event_id = edges[0][0]
    took: list[int] = []
    for _ in range(PROBES):
        began = time.perf_counter()
        try:
            _fetch_payload(subject, event_id)
        except DomainError as error:
            return _red(f"No answer: {error}"[:500], {"took_ms": took, "code": error.code})
        took.append(round(1000 * (time.perf_counter() - began)))
    middle = round(statistics.median(took))
    is_quick = middle <= PROBE_MAX_MS
    return Finding(
        is_green=is_quick,
        summary=f"Median of {PROBES} round trips {middle} ms, slowest {max(took)} ms; "
        f"at most {PROBE_MAX_MS} ms in the median.",
        evidence={"took_ms": took, "most_ms": PROBE_MAX_MS},
    )


def _retention(onboarding: Onboarding, subject: Subject, _now: datetime) -> Finding:
    promise = newest_promise(onboarding.pk)
    if promise is None:
        return _red("No promise is recorded.", {})
    evidence = {
        "promise_id": promise.pk,
        "months": promise.months,
        "reference": promise.reference,
        "needed": subject.retention_months,
    }
    return Finding(
        promise.months >= subject.retention_months,
        f"{promise.months} months promised ({promise.reference[:200]}), "
        f"{subject.retention_months} needed.",
        evidence,
    )


def _key_rotation(_onboarding: Onboarding, subject: Subject, now: datetime) -> Finding:
    keys = [key for key in keys_of(subject.id) if not key.kid.startswith(REHEARSAL_KEY_PREFIX)]
    ended = [
        key
        for key in keys
        if key.state != "active" or (key.not_after is not None and key.not_after <= now)
    ]
    in_force = [key for key in keys if key not in ended and key.not_before <= now]
    used = [key.kid for key in in_force if deliveries_with_key(subject.id, key.kid, limit=1)]
    evidence = {
        "ended": [key.kid for key in ended],
        "in_force": [key.kid for key in in_force],
        "used": used,
    }
    if not ended:
        return _red("No key was ever ended: rotate once while nothing is at stake.", evidence)
    if not used:
        return _red("No delivery was signed with a key in force after the rotation.", evidence)
    return Finding(
        is_green=True,
        summary=f"{ended[0].kid} has ended; deliveries are signed with {used[0]}.",
        evidence=evidence,
    )


def _red(summary: str, evidence: Mapping[str, object]) -> Finding:
    return Finding(is_green=False, summary=summary, evidence=dict(evidence))


_PROVERS: Final[Mapping[ChecklistItem, Prover]] = {
    ChecklistItem.ACCEPTANCE: _acceptance,
    ChecklistItem.EXPORT_PULL: _export_pull,
    ChecklistItem.PAYLOAD_BY_ID: _payload_by_id,
    ChecklistItem.CERTIFICATES: _certificates,
    ChecklistItem.PROBES: _probes,
    ChecklistItem.RETENTION: _retention,
    ChecklistItem.KEY_ROTATION: _key_rotation,
}
