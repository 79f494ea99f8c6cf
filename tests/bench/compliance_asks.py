"""Asks the gate, the matrix and the daily check on a filled database; prints one line of JSON."""

import json
import random
import resource
import sys
import time
from datetime import UTC, datetime
from importlib import import_module
from statistics import median, quantiles

LAUNCHES = 2_000
PAGES = {
    "matrix_ms": "coveragematrix/",
    "matrix_by_state_ms": "coveragematrix/?state=covered",
    "gaps_ms": "coveragematrix/gaps/",
}
"""Pages of the desk, asked as a signed-in officer; a state is known of all cells or of none."""


def main() -> None:
    import_module("config.wsgi")  # a web process, as it is served

    from django.db import connection, reset_queries
    from django.test.utils import CaptureQueriesContext

    from apps.play.services import can_serve
    from apps.providers.models import GameOffer
    from apps.providers.selectors.coverage import coverage_on
    from apps.providers.services.check_certificates import (
        check_certificates,
    )

    now = datetime.now(UTC)
    offers = list(GameOffer.objects.values_list("game_id", "jurisdiction"))
    dice = random.Random(1)
    gate_ms, allowed = [], 0
    for number in range(LAUNCHES + 100):
        game_id, jurisdiction = dice.choice(offers)
        started = time.perf_counter()
        answer = can_serve(game_id=game_id, jurisdiction=jurisdiction, at=now)
        if number >= 100:
            gate_ms.append(1000 * (time.perf_counter() - started))
            allowed += answer.allowed
        reset_queries()
    game_id, jurisdiction = offers[0]
    with CaptureQueriesContext(connection) as queries:
        can_serve(game_id=game_id, jurisdiction=jurisdiction, at=now)
    query_count = len(queries)
    coverage_ms, cells = [], 0
    for _number in range(5):
        started = time.perf_counter()
        cells = len(coverage_on(now))
        coverage_ms.append(1000 * (time.perf_counter() - started))
        reset_queries()
    pages = _pages()
    started = time.perf_counter()
    report = check_certificates(on=now.date(), now=now, is_recorded=True)
    figures = {
        "can_serve_ms": round(median(gate_ms), 3),
        "can_serve_p99_ms": round(quantiles(gate_ms, n=100)[98], 3),
        "can_serve_queries": query_count,
        "allowed": allowed,
        "coverage_ms": round(median(coverage_ms), 1),
        "cells": cells,
        **pages,
        "uncovered": len(report.uncovered),
        "check_seconds": round(time.perf_counter() - started, 2),
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def _pages() -> dict[str, float]:
    from django.test import Client

    from apps.staff.enums import Role
    from tests.factories import make_user

    officer = Client(SERVER_NAME="localhost")
    officer.force_login(make_user(roles=(Role.COMPLIANCE_OFFICER,)))
    found = {}
    for name, path in PAGES.items():
        took = []
        for _number in range(6):
            started = time.perf_counter()
            answer = officer.get(f"/admin/compliance/{path}")
            took.append(1000 * (time.perf_counter() - started))
            if answer.status_code != 200 or b"g-1" not in answer.content:
                raise SystemExit(f"{path} answered {answer.status_code} without its games.")
        found[name] = round(median(took[1:]), 1)
    return found


if __name__ == "__main__":
    main()
