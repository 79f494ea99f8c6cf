"""The launch gate, the matrix and the daily check over 3,000 games x 12 jurisdictions x 5 years."""

import json
import subprocess
import sys
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql

from tests.bench.bars import Bar
from tests.bench.options import Options
from tests.bench.stage import REPOSITORY, staged

GAMES: Final = 3_000
GAMES_PER_REPORT: Final = 5
YEARS: Final = 5
PLACES: Final = (
    "MT", "GB", "IM", "SE", "DK", "ES", "IT", "DE", "NL", "RO", "US-NJ", "US-PA",
)  # fmt: skip
BARS: Final = {
    "can_serve_ms": ("can_serve, median (ms)", 2.0),
    "can_serve_queries": ("can_serve, queries", 3.0),
    "matrix_ms": ("matrix page (ms)", 500.0),
    "matrix_by_state_ms": ("matrix page by state, all judged (ms)", 500.0),
    "gaps_ms": ("gaps page, all judged (ms)", 500.0),
    "coverage_ms": ("coverage of every offer (ms)", 500.0),
    "check_seconds": ("daily check of all (s)", 30.0),
    "memory_mib": ("memory of these, peak (MiB)", 500.0),
}

# Reports of five games each, one revision a year; one in fifty has lapsed. Each year a build,
# carried over by minor changes where a report names the year before; deployments follow each other
# in every place.
_FILL: Final[tuple[LiteralString, ...]] = (
    """INSERT INTO providers_game
        (provider_id, game_code, name, category, theoretical_rtp, is_active)
    SELECT (SELECT min(id) FROM providers_provider), 'g-' || n, 'Game ' || n, 'slot', 0.96, true
    FROM generate_series(1, %(games)s) n""",
    """INSERT INTO providers_gameoffer (game_id, jurisdiction)
    SELECT g.id, place FROM providers_game g, unnest(%(places)s::text[]) place
    WHERE g.game_code LIKE 'g-%%'""",
    """INSERT INTO providers_lab (name, contact_name, contact_email, contact_phone, created_at)
    VALUES ('Bench Laboratory', '', '', '', now())""",
    """INSERT INTO providers_document (sha256, size_bytes, storage_key, original_name, page_count,
        link_count, text, signature_state, signature_detail, signer, signature_coverage,
        signature_checked_at, judged_after_decisions, integrity_state, created_at)
    SELECT encode(sha256(n::text::bytea), 'hex'), 1, 'bench/' || n, n || '.pdf', 12, 0,
        repeat('Report text. ', 400), 'valid', '', '', '', now(), 0, 'intact', now()
    FROM generate_series(1, %(reports)s) n""",
    """INSERT INTO providers_certificate (lab_id, report_number, revision, kind, provider_code,
        issued_on, effective_on, expires_on, result, all_games, state, signatory, conditions,
        document_id, created_at)
    SELECT (SELECT max(id) FROM providers_lab), 'B-' || d.n / %(years)s, d.n %% %(years)s, 'game',
        (SELECT min(code) FROM providers_provider), began, began,
        began + CASE WHEN d.n / %(years)s %% 50 = 0 THEN 300 ELSE 500 END, 'complies', false,
        'registered', '', '', d.id, now()
    FROM (SELECT id, (row_number() OVER (ORDER BY id) - 1)::int AS n FROM providers_document
        WHERE storage_key LIKE 'bench/%%') d,
        LATERAL (SELECT current_date - 365 * (%(years)s - d.n %% %(years)s) + 30 AS began) y""",
    """INSERT INTO providers_certificategame (certificate_id, game_code)
    SELECT c.id, 'g-' || split_part(c.report_number, '-', 2)::int * %(per_report)s + n
    FROM providers_certificate c, generate_series(1, %(per_report)s) n
    WHERE c.report_number LIKE 'B-%%'""",
    """INSERT INTO providers_certificatejurisdiction (certificate_id, jurisdiction)
    SELECT c.id, place FROM providers_certificate c, unnest(%(places)s::text[]) place
    WHERE c.report_number LIKE 'B-%%'""",
    """INSERT INTO providers_certificatertpvariant
        (certificate_id, game_code, variant_code, rtp_percent)
    SELECT c.id, '', '', rtp FROM providers_certificate c, unnest(ARRAY[96.0, 94.0]) rtp
    WHERE c.report_number LIKE 'B-%%'""",
    """INSERT INTO providers_certifiedbuild (certificate_id, game_code, build_version,
        platform_version, engine_version, client_revision, rng_version, channel, digest,
        is_from_document, created_at)
    SELECT g.certificate_id, g.game_code, c.revision || '.0', '', '', '', '', 'any', '', false,
        now()
    FROM providers_certificategame g JOIN providers_certificate c ON c.id = g.certificate_id
    WHERE c.report_number LIKE 'B-%%'""",
    """INSERT INTO providers_gamebuild (game_id, version, channel, platform_version,
        engine_version, client_revision, rng_version, digest, created_at)
    SELECT g.id, year || '.' || step, 'any', '', '', '', '', '',
        now() - make_interval(days => 365 * (%(years)s - year) - 30 - step)
    FROM providers_game g, generate_series(0, %(years)s - 1) year, generate_series(0, 1) step
    WHERE g.game_code LIKE 'g-%%'""",
    """INSERT INTO providers_rtpvariant (game_id, code, rtp_percent, source, created_at)
    SELECT id, 'V96', 96, 'PAR sheet', now() FROM providers_game WHERE game_code LIKE 'g-%%'""",
    """INSERT INTO providers_supplierchange (from_build_id, to_build_id, classification, rationale,
        supplier_note, affects_rng, affects_outcome, affects_rtp, affects_rules, decided_at)
    SELECT a.id, b.id, 'minor', 'Texts.', '', false, false, false, false, b.created_at
    FROM providers_gamebuild a JOIN providers_gamebuild b ON b.game_id = a.game_id
        AND split_part(b.version, '.', 1) = split_part(a.version, '.', 1)
        AND a.version LIKE '%%.0' AND b.version LIKE '%%.1'
    JOIN providers_game g ON g.id = a.game_id AND g.game_code LIKE 'g-%%'""",
    """INSERT INTO providers_deployment (game_id, jurisdiction, channel, build_id, variant_id,
        starts_at, ends_at, digest, created_at)
    SELECT b.game_id, place, 'any', b.id, v.id, now() - make_interval(days => 365 * left_years),
        CASE WHEN left_years > 1 THEN now() - make_interval(days => 365 * (left_years - 1)) END,
        '', now()
    FROM providers_gamebuild b
    JOIN providers_game g ON g.id = b.game_id AND g.game_code LIKE 'g-%%'
    JOIN providers_rtpvariant v ON v.game_id = b.game_id,
        unnest(%(places)s::text[]) place,
        LATERAL (SELECT %(years)s - split_part(b.version, '.', 1)::int AS left_years) y
    WHERE b.version LIKE '%%.1'""",
    "UPDATE providers_provider SET stage = 'live'",
    "ANALYZE",
)


def run(_options: Options) -> tuple[dict[str, Any], list[Bar]]:
    """Fill a database of its own, then ask everything from one process, as a web worker would."""
    with staged(1) as stage:
        with stage.connect() as connection:
            sizes = _fill(connection)
        stage.manage("seed_roles")
        asked = subprocess.run(
            [sys.executable, "-m", "tests.bench.compliance_asks"],
            env=stage.environment,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.returncode != 0:
            raise SystemExit(asked.stdout + asked.stderr)
    figures: dict[str, Any] = {**sizes, **json.loads(asked.stdout.splitlines()[-1])}
    remark = f"{sizes['offers']:,} offers, {sizes['deployments']:,} deployments"
    bars = [
        Bar(
            measure=f"compliance: {title}",
            ours=f"{figures[name]:g}",
            baseline="",
            ratio="",
            bar=f"<= {most:g}",
            is_met=figures[name] <= most,
            remark=remark if name == "coverage_ms" else "",
        )
        for name, (title, most) in BARS.items()
    ]
    return figures, bars


def _fill(connection: psycopg.Connection) -> dict[str, int]:
    arguments = {
        "games": GAMES,
        "places": list(PLACES),
        "years": YEARS,
        "per_report": GAMES_PER_REPORT,
        "reports": GAMES // GAMES_PER_REPORT * YEARS,
    }
    connection.execute("SET synchronous_commit = off")
    for statement in _FILL:
        connection.execute(statement, arguments if "%" in statement else None)
    tables = {"offers": "gameoffer", "certificates": "certificate", "deployments": "deployment"}
    return {name: _count(connection, f"providers_{table}") for name, table in tables.items()}


def _count(connection: psycopg.Connection, table: str) -> int:
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
