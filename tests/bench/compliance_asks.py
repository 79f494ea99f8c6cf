"""Asks the gate, the matrix and the daily check on a filled database; prints one line of JSON."""

import json
import random
import resource
import sys
import time
from datetime import UTC, datetime
from statistics import median, quantiles

import django

LAUNCHES = 2_000


def main() -> None:
    django.setup()
    from django.db import connection, reset_queries  # noqa: PLC0415 - after setup
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415 - after setup

    from apps.play.services import can_serve  # noqa: PLC0415 - after setup
    from apps.providers.models import GameOffer  # noqa: PLC0415 - after setup
    from apps.providers.selectors.coverage import coverage_on  # noqa: PLC0415 - after setup
    from apps.providers.services.check_certificates import (  # noqa: PLC0415 - after setup
        check_certificates,
    )

    now = datetime.now(UTC)
    offers = list(GameOffer.objects.values_list("game_id", "jurisdiction"))
    dice = random.Random(1)  # noqa: S311 - which offers are asked
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
    started = time.perf_counter()
    report = check_certificates(on=now.date(), now=now, is_recorded=True)
    figures = {
        "can_serve_ms": round(median(gate_ms), 3),
        "can_serve_p99_ms": round(quantiles(gate_ms, n=100)[98], 3),
        "can_serve_queries": query_count,
        "allowed": allowed,
        "coverage_ms": round(median(coverage_ms), 1),
        "cells": cells,
        "uncovered": len(report.uncovered),
        "check_seconds": round(time.perf_counter() - started, 2),
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
