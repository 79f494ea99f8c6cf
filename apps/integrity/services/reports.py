"""Taking a digest report, and comparing what was measured with what is certified now."""

from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime

import structlog
from django.db import connection, transaction
from django.db.models import Count, QuerySet

from apps.core.canonical import content_hash
from apps.core.services import publish
from apps.integrity.contracts import DigestLine, MeasuredReport, ReportOutcome
from apps.integrity.enums import FaultKind, FaultState, LineVerdict, ReportSource
from apps.integrity.errors import DigestReportConflictError, DigestReportRefusedError
from apps.integrity.events import FaultOpened
from apps.integrity.models import DigestReport, Fault, MeasuredFile
from apps.integrity.services.judging import Judged, judge
from apps.providers.selectors import games_by_code, provider_by_code

logger = structlog.get_logger(__name__)


def take_report(
    provider_code: str,
    measured: MeasuredReport,
    *,
    source: ReportSource,
    received_from: str,
    now: datetime,
) -> ReportOutcome:
    """Take a report once, judge each file, open and clear faults; a repeat changes nothing.

    Raises:
        UnknownProviderError: no provider carries this code.
        DigestReportConflictError: the id was used for other content.
        DigestReportRefusedError: it names games that the provider does not have, or the future.
    """
    provider = provider_by_code(provider_code)
    games = games_by_code(provider.pk)
    strangers = sorted({line.game_code for line in measured.lines} - set(games))
    if strangers:
        raise DigestReportRefusedError([f"There is no game {code}." for code in strangers])
    if measured.measured_at > now:
        raise DigestReportRefusedError(["It was measured in the future."])
    fingerprint = content_hash(
        {
            "measured_at": measured.measured_at.isoformat(),
            "files": [asdict(line) for line in measured.lines],
        }
    )
    with transaction.atomic():
        report, is_new = DigestReport.objects.get_or_create(
            provider=provider,
            report_ref=measured.report_ref,
            defaults={
                "source": source,
                "content_hash": fingerprint,
                "measured_at": measured.measured_at,
                "received_at": now,
                "received_from": received_from,
            },
        )
        if report.content_hash != fingerprint:
            raise DigestReportConflictError(measured.report_ref)
        # A repeat is told what the first was, by the register of that day.
        judged = judge(
            provider_code,
            games,
            measured.lines,
            measured_at=measured.measured_at,
            now=report.received_at,
        )
        if is_new:
            _store(report, judged.files)
            compare_games(provider_code, {games[line.game_code].id for line in measured.lines}, now)
    outcome = _outcome(report, provider_code, missing=len(judged.missing), is_new=is_new)
    logger.info(
        "integrity.report.taken",
        report_id=report.pk,
        is_new=is_new,
        mismatches=outcome.mismatches,
        missing=outcome.missing,
    )
    return outcome


def compare_all(*, now: datetime) -> int:
    """Compare each game's newest measurement with the register of today; returns open faults.

    A new report or revision of a laboratory changes what is right without anything being measured.
    """
    measured: dict[str, set[int]] = {}
    rows = MeasuredFile.objects.order_by("game_id").distinct("game_id")
    for game_id, code in rows.values_list("game_id", "game__provider__code"):
        measured.setdefault(code, set()).add(game_id)
    for code, game_ids in measured.items():
        with transaction.atomic():
            compare_games(code, game_ids, now)
    return Fault.objects.filter(state=FaultState.OPEN).count()


@transaction.atomic
def compare_games(provider_code: str, game_ids: Collection[int], now: datetime) -> None:
    """Open a fault for each file that is wrong or missing, and clear those that are right now.

    What a game's newest report measured counts; one that came late says nothing about now. It is
    held to what ran when it was measured: a build deployed since has not been measured yet. Takes
    an advisory lock per provider, so that two comparisons open a fault once.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"digests:{provider_code}"])
    games = games_by_code(provider_by_code(provider_code).pk)
    for report, lines in _newest_lines(game_ids):
        judged = judge(provider_code, games, lines, measured_at=report.measured_at, now=now)
        wrong = [one for one in judged.files if one.verdict == LineVerdict.MISMATCH]
        for one in [*wrong, *judged.missing]:
            _open(one, report, provider_code, now)
        for one in judged.files:
            if one.verdict == LineVerdict.MATCH:
                _close(one, f"Report {report.report_ref} measured it as certified.", now)


def _newest_lines(game_ids: Collection[int]) -> list[tuple[DigestReport, list[DigestLine]]]:
    """Return, per report, the files of those games whose newest measurement it is."""
    newest = dict(
        MeasuredFile.objects.filter(game_id__in=game_ids)
        .order_by("game_id", "-report__measured_at", "-report_id")
        .distinct("game_id")
        .values_list("game_id", "report_id")
    )
    found: list[tuple[DigestReport, list[DigestLine]]] = []
    for report in DigestReport.objects.filter(pk__in=set(newest.values())).order_by("pk"):
        mine = [game_id for game_id, report_id in newest.items() if report_id == report.pk]
        files = report.files.filter(game_id__in=mine).order_by("pk").select_related("game")
        found.append(
            (
                report,
                [
                    DigestLine(
                        file.game.game_code,
                        file.build_version,
                        file.path,
                        file.algorithm,
                        file.seed,
                        file.digest,
                    )
                    for file in files
                ],
            )
        )
    return found


def _store(report: DigestReport, judged: Iterable[Judged]) -> None:
    MeasuredFile.objects.bulk_create(
        MeasuredFile(
            report=report,
            game_id=one.game.id,
            build_version=one.line.build_version,
            path=one.line.path,
            algorithm=one.line.algorithm,
            seed=one.line.seed,
            digest=one.line.digest,
            verdict=one.verdict,
        )
        for one in judged
    )


def _faults_of(one: Judged) -> QuerySet[Fault]:
    path, algorithm, seed = one.line.file
    return Fault.objects.filter(
        game_id=one.game.id,
        path=path,
        algorithm=algorithm,
        seed=seed,
        state=FaultState.OPEN,
    )


def _open(one: Judged, report: DigestReport, provider_code: str, now: datetime) -> None:
    kind = FaultKind.MISMATCH if one.line.digest else FaultKind.MISSING
    facts = {
        "kind": kind,
        "certified": ", ".join(one.certified)[:700],
        "reported": one.line.digest,
        "held_to": ", ".join(one.held_to)[:255],
        "looks_like": ", ".join(one.looks_like)[:255],
        "report": report,
    }
    # A wrong file stays wrong where it is not named any more: silence about it opens no gate.
    if kind == FaultKind.MISSING and _faults_of(one).filter(kind=FaultKind.MISMATCH).exists():
        return
    # An open fault follows what is reported: an acceptance binds the digest it was asked about.
    if _faults_of(one).filter(kind=kind).update(**facts):
        return
    # What was missing is there and wrong: that closes a game, so that it is told as its own fault.
    _close(one, f"Report {report.report_ref} measured another digest.", now)
    path, algorithm, seed = one.line.file
    fault = Fault.objects.create(
        game_id=one.game.id, path=path, algorithm=algorithm, seed=seed, opened_at=now, **facts
    )
    publish(
        FaultOpened(
            fault_id=fault.pk,
            provider=provider_code,
            game=one.game.game_code,
            kind=kind.value,
            path=path,
        ),
        now=now,
    )


def _close(one: Judged, note: str, now: datetime) -> None:
    _faults_of(one).update(state=FaultState.CLEARED, closed_at=now, closing_note=note[:300])


def _outcome(
    report: DigestReport, provider_code: str, *, missing: int, is_new: bool
) -> ReportOutcome:
    counts = dict(
        report.files.values_list("verdict").annotate(count=Count("pk")).order_by("verdict")
    )
    return ReportOutcome(
        report_id=report.pk,
        provider=provider_code,
        is_new=is_new,
        lines=sum(counts.values()),
        matches=counts.get(LineVerdict.MATCH, 0),
        mismatches=counts.get(LineVerdict.MISMATCH, 0),
        unknown=counts.get(LineVerdict.UNKNOWN, 0),
        missing=missing,
    )
