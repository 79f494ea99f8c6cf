"""What would stop: on a day, or if a report were gone, and what is played there now."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Final

from django.db import connection

from apps.compliance import statements
from apps.compliance.contracts import LostOffer, Stake, WhatIfAnswer
from apps.compliance.selectors.cells import main_reason
from apps.providers.selectors.coverage import CoverageCell, coverage_on

MONTH: Final = timedelta(days=30)


def what_if(on: date, now: datetime, *, without: tuple[int, str] | None = None) -> WhatIfAnswer:
    """Compare what is covered now with a day, or with that day as if one report proved nothing.

    A day is that day by each jurisdiction's own clock. With ``without`` (id and name of a
    certificate) the comparison is with the same day while it holds, so that only what hangs on
    this one report is counted. Stakes are those of the last 30 days.
    """
    before = coverage_on(now) if without is None else coverage_on(on)
    after = coverage_on(on, without=None if without is None else without[0])
    covered = {(cell.game_id, cell.jurisdiction) for cell in before if cell.cover.allowed}
    lost = [
        cell
        for cell in after
        if not cell.cover.allowed and (cell.game_id, cell.jurisdiction) in covered
    ]
    gained = [
        (cell.provider_code, cell.game_code, cell.jurisdiction)
        for cell in after
        if cell.cover.allowed and (cell.game_id, cell.jurisdiction) not in covered
    ]
    stakes = staked({cell.game_id for cell in lost}, now)
    offers = [_lost(cell, stakes) for cell in lost]
    total, rounds, players = _summed(offers)
    return WhatIfAnswer(
        on=on,
        without=without[1] if without else "",
        lost=offers,
        gained=gained,
        since=now - MONTH,
        until=now,
        stake_minor=total,
        rounds=rounds,
        players=players,
    )


def _lost(cell: CoverageCell, stakes: dict[tuple[int, str], list[Stake]]) -> LostOffer:
    return LostOffer(
        game_id=cell.game_id,
        provider_code=cell.provider_code,
        game_code=cell.game_code,
        jurisdiction=cell.jurisdiction,
        why=main_reason(cell.cover.reasons).text,
        stakes=tuple(stakes.get((cell.game_id, cell.jurisdiction), ())),
    )


def _summed(offers: list[LostOffer]) -> tuple[dict[str, int], int, list[str]]:
    """Return stakes by currency, rounds, and each player once."""
    players: set[str] = set()
    total: dict[str, int] = {}
    rounds = 0
    for offer in offers:
        for stake in offer.stakes:
            total[stake.currency] = total.get(stake.currency, 0) + stake.stake_minor
            rounds += stake.rounds
            players |= stake.players
    return dict(sorted(total.items())), rounds, sorted(players)


def staked(game_ids: Collection[int], now: datetime) -> dict[tuple[int, str], list[Stake]]:
    """Return the stakes of the last 30 days, for each game and jurisdiction of its players."""
    found: dict[tuple[int, str], list[Stake]] = {}
    if not game_ids:
        return found
    with connection.cursor() as cursor:
        cursor.execute(
            statements.STAKED_SINCE,
            {"games": list(game_ids), "since": now - MONTH, "until": now},
        )
        for game_id, place, currency, stake, rounds, players in cursor.fetchall():
            found.setdefault((game_id, place), []).append(
                Stake(currency, stake, rounds, frozenset(players))
            )
    return found
