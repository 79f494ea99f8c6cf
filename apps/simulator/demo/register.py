"""What of the demo's games runs where: builds that the reports name, variants, an update."""

import random
import statistics
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Final

from apps.providers.enums import ChangeClass, DigestAlgorithm
from apps.providers.selectors import games_by_code
from apps.providers.selectors.certificates import certificate_of, lab_by_name
from apps.providers.selectors.coverage import cover
from apps.providers.services.builds import (
    Editing,
    Judgement,
    NewBuild,
    NewDeployment,
    NewVariant,
    add_build,
    add_variant,
    deploy,
    judge_change,
)
from apps.providers.services.scope import FileDigest, NamedBuild, Term, accredit_lab, name_build
from apps.providers.services.variants import name_source
from apps.simulator.borealis.home import catalogue_rtp
from apps.simulator.certificates.folder import LabFolder, make_lab_folder
from apps.simulator.certificates.reports import (
    EVERYWHERE,
    FIRST_BUILD,
    NORTH,
    LabReport,
    renewed_reports,
)
from apps.simulator.demo.stage import Stage
from apps.simulator.demo.steps import Finding
from apps.simulator.games.catalogue import CATALOGUE
from apps.simulator.games.game import Game

NAMING_REPORT: Final = ("NCT-GAM-0201", 1)
OLD, NEW = FIRST_BUILD, "1.1.1"
UPDATED: Final = "borealis-slot-03"
_SAMPLE: Final = 5_000
_SAMPLE_SEED: Final = 7


def record_what_runs(stage: Stage) -> Finding:
    """Put builds, variants and deployments on file; one game is updated tomorrow, a minor change.

    Everything is told twice without becoming more, since the demo may run again.
    """
    editing = Editing(None, "Taken from the release notes.", stage.clock())
    folder = make_lab_folder(stage.data_dir / "demo" / "certificates", now=editing.now)
    midnight = datetime.combine(folder.made_on, time(), tzinfo=UTC)
    games = games_by_code(stage.provider_id)
    sources = _reports_of_games(folder)
    builds = {
        game.code: _deploy_first(game, games[game.code].id, midnight, sources[game.code], editing)
        for game in CATALOGUE
    }
    _name_builds(editing)
    update = add_build(_build(games[UPDATED].id, UPDATED, NEW), editing)
    judge_change(
        Judgement(
            from_build_id=builds[UPDATED],
            to_build_id=update.pk,
            classification=ChangeClass.MINOR,
            supplier_note="Texts in Maltese; nothing else.",
        ),
        replace(editing, reason="Only texts changed: no answer touches fairness."),
    )
    tomorrow = midnight + timedelta(days=1)
    for place in EVERYWHERE:
        deploy(NewDeployment(place, update.pk, None, tomorrow), editing)
    answer = cover(games[UPDATED].id, "MT", tomorrow)
    return Finding(
        is_held="carried_over" in {item.code for item in answer.remarks},
        text=f"{len(builds)} games; {UPDATED} {NEW} from tomorrow, covered by a minor change.",
        figures={"games": len(builds)},
    )


def reports_on_file(folder: LabFolder) -> list[LabReport]:
    """Return the folder's reports, and the renewals that an officer has registered since."""
    lab = lab_by_name(NORTH)
    renewed = renewed_reports(folder.made_on) if lab else []
    return [
        *folder.reports,
        *(one for one in renewed if lab and certificate_of(lab, one.report_number, one.revision)),
    ]


def _reports_of_games(folder: LabFolder) -> dict[str, int]:
    """Return the id of the report that states each game's RTP, the latest of those delivered."""
    found = {}
    for report in sorted(folder.reports, key=lambda report: report.revision):
        lab = lab_by_name(report.lab)
        certificate = lab and certificate_of(lab, report.report_number, report.revision)
        if certificate:
            found.update(dict.fromkeys(report.games, certificate.pk))
    return found


def _deploy_first(
    game: Game, game_id: int, midnight: datetime, report_id: int, editing: Editing
) -> int:
    build = add_build(_build(game_id, game.code, OLD), editing)
    rtp_percent = Decimal(catalogue_rtp(game)) * 100
    variant = add_variant(
        NewVariant(
            game_id=game_id,
            code=f"RTP{rtp_percent.normalize():f}",
            rtp_percent=rtp_percent,
            sigma=_deviation(game),
            source=f"Paytable, exact; sigma from {_SAMPLE:,} games with seed {_SAMPLE_SEED}",
        ),
        editing,
    )
    name_source(variant.pk, report_id, "page 1, return to player variants", editing)
    for place in EVERYWHERE:
        since = midnight - timedelta(days=60)
        deploy(NewDeployment(place, build.pk, variant.pk, since, digest=build.digest), editing)
    return build.pk


def _build(game_id: int, code: str, version: str) -> NewBuild:
    return NewBuild(
        game_id=game_id,
        version=version,
        engine_version="reel-engine 4.2",
        rng_version="1.0",
        digest=_digest(f"{code} {version}"),
    )


def _name_builds(editing: Editing) -> None:
    lab = lab_by_name(NORTH)
    report = None if lab is None else certificate_of(lab, *NAMING_REPORT)
    if lab is None or report is None:
        raise AssertionError("the reports come with the step before")
    year = report.issued_on.replace(month=1, day=1)
    term = Term("Demo Accreditation Service", "62-0815", year, year.replace(year=year.year + 3))
    accredit_lab(lab.pk, replace(term, scope="ISO/IEC 17025: gaming software"), editing)
    for scope in sorted(item.game_code for item in report.games.all()):
        files = (FileDigest(f"{scope}/math.bin", DigestAlgorithm.SHA256, _digest(f"{scope} math")),)
        named = NamedBuild(scope, OLD, digest=_digest(f"{scope} {OLD}"), files=files)
        name_build(report.pk, named, editing)


def _deviation(game: Game) -> Decimal:
    """Return the standard deviation of the win per unit staked, from a fixed sample."""
    dice = random.Random(_SAMPLE_SEED)  # noqa: S311 - play money
    wins = [float(sum(game.paytable.play(dice))) for _number in range(_SAMPLE)]
    return Decimal(statistics.pstdev(wins)).quantize(Decimal("0.0001"))


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
