"""How digests and faults are read."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models import Count, Max, Q

from apps.core.prepared import prepared_row
from apps.integrity.contracts import GameIntegrity, Measurement
from apps.integrity.enums import FaultKind, FaultState, LineVerdict, OnMismatch
from apps.integrity.models import AcceptedDigest, Fault, MeasuredFile
from apps.providers.selectors.digests import certified_file_counts

EVERY: Final = timedelta(hours=24)
"""GLI-19 2.3.2 (second-hand): control programs are verified at least once every 24 hours."""

_CLOSES: Final = f"""
    f.kind = '{FaultKind.MISMATCH}' AND f.opened_at <= %(at)s
    AND (f.closed_at IS NULL OR f.closed_at > %(at)s)
    AND NOT EXISTS (
        SELECT FROM integrity_integritypolicy p JOIN providers_game g USING (provider_id)
        WHERE g.id = f.game_id AND p.on_mismatch = '{OnMismatch.ALERT}'
    )
"""
_CLOSING_FAULT: Final = f"""
SELECT f.path FROM integrity_fault f WHERE f.game_id = %(game_id)s AND {_CLOSES}
ORDER BY f.id LIMIT 1
"""  # noqa: S608 - built from constants only
_CLOSING_FAULTS: Final = f"""
SELECT DISTINCT ON (f.game_id) f.game_id, f.path FROM integrity_fault f WHERE {_CLOSES}
ORDER BY f.game_id, f.id
"""  # noqa: S608 - built from constants only


def closing_fault(game_id: int, at: datetime) -> str:
    """Return the file whose wrong digest kept new sessions out of a game; empty where none did.

    What a policy says of a wrong digest is asked as it stands now.

    One query, written out because it sits in every launch: building it took longer than running
    it. A file that was not reported closes nothing: it is unproven, not wrong.
    """
    row = prepared_row(_CLOSING_FAULT, {"game_id": game_id, "at": at})
    return row[0] if row else ""


def closed_games(at: datetime) -> dict[int, str]:
    """Return every game that a wrong digest closed, with the file; see ``closing_fault``."""
    with connection.cursor() as cursor:
        cursor.execute(_CLOSING_FAULTS, {"at": at})
        return dict(cursor.fetchall())


def measurement_at(game_id: int, at: datetime) -> Measurement:
    """Return what was measured last by then, and what was wrong by then and not put right.

    A report that came later and was measured before counts. What two people had accepted by then,
    or the register had put right, is wrong no more.
    """
    faults = Fault.objects.filter(game_id=game_id, opened_at__lte=at)
    open_then = faults.filter(Q(closed_at__isnull=True) | Q(closed_at__gt=at))
    wrong = set(open_then.filter(kind=FaultKind.MISMATCH).values_list("path", flat=True))
    measured = MeasuredFile.objects.filter(game_id=game_id, report__measured_at__lte=at)
    newest = measured.order_by("-report__measured_at", "-report_id").select_related("report")
    first = newest.first()
    if first is None:
        return Measurement("mismatch" if wrong else "not measured", tuple(sorted(wrong)))
    report = first.report
    settled = faults.filter(closed_at__lte=at, closed_at__gte=report.received_at)
    put_right = set(settled.values_list("path", "algorithm", "seed", "reported"))
    verdicts = set()
    for file in report.files.filter(game_id=game_id):
        is_right_now = (file.path, file.algorithm, file.seed, file.digest) in put_right
        verdict = LineVerdict.MATCH.value if is_right_now else file.verdict
        verdicts.add(verdict)
        if verdict == LineVerdict.MISMATCH:
            wrong.add(file.path)
    return Measurement(
        _summed(verdicts, has_wrong=bool(wrong), has_missing=open_then.exists()),
        tuple(sorted(wrong)),
        report_id=report.pk,
        report_ref=report.report_ref,
        measured_at=report.measured_at,
        is_overdue=at - report.measured_at > EVERY,
    )


def _summed(verdicts: Collection[str], *, has_wrong: bool, has_missing: bool) -> str:
    if has_wrong:
        return "mismatch"
    if has_missing:
        return "incomplete"
    return "match" if LineVerdict.MATCH in verdicts else "unknown"


def accepted_digests(game_ids: Iterable[int]) -> dict[tuple[int, str, str, str], set[str]]:
    """Return what two people accepted, by game, path, algorithm and seed."""
    found: dict[tuple[int, str, str, str], set[str]] = {}
    rows = AcceptedDigest.objects.filter(game_id__in=set(game_ids))
    columns = rows.values_list("game_id", "path", "algorithm", "seed", "digest")
    for game_id, path, algorithm, seed, digest in columns:
        found.setdefault((game_id, path, algorithm, seed), set()).add(digest)
    return found


def open_faults(*, limit: int) -> list[Fault]:
    """Return the open faults, those that close a game first."""
    faults = Fault.objects.filter(state=FaultState.OPEN).select_related("game__provider")
    return list(faults.order_by("kind", "-opened_at", "pk")[:limit])


def fault_by_id(fault_id: int) -> Fault:
    return Fault.objects.select_related("game__provider").get(pk=fault_id)


def games_measured(now: datetime) -> list[GameIntegrity]:
    """Return every game with certified files: when it was measured, and what is open."""
    counts = certified_file_counts(now.date())
    measured = dict(
        MeasuredFile.objects.filter(game_id__in=counts)
        .values_list("game_id")
        .annotate(at=Max("report__measured_at"))
    )
    faults = dict(
        Fault.objects.filter(state=FaultState.OPEN)
        .values_list("game_id")
        .annotate(count=Count("pk"))
    )
    return [
        GameIntegrity(
            game_id=game_id,
            game_code=game_code,
            provider_code=provider_code,
            certified_files=count,
            measured_at=measured.get(game_id),
            is_overdue=game_id not in measured or now - measured[game_id] > EVERY,
            open_faults=faults.get(game_id, 0),
        )
        for game_id, (provider_code, game_code, count) in counts.items()
    ]
