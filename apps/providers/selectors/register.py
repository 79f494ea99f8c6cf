"""How the facts that decide about cover are read: of one game, or of every offer at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, LiteralString, NamedTuple

from django.db import connection

from apps.core.prepared import prepared_row
from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.providers import statements
from apps.providers.coverage.facts import (
    NO_LINEAGE,
    BuildClaim,
    BuildFacts,
    CertificateFacts,
    ChangeFacts,
    DeploymentFacts,
    Lineage,
    OfferFacts,
    Running,
    VariantClaim,
    VariantFacts,
    running_as,
)

type Moments = Mapping[str, datetime]
"""The moment that is asked about, for each jurisdiction."""


@dataclass(frozen=True, slots=True)
class Serving:
    """Everything that the catalogue and the register know of serving a game in a jurisdiction."""

    offer: OfferFacts
    category: str
    theoretical_rtp: Decimal
    is_game_active: bool
    is_provider_active: bool
    is_provider_live: bool
    is_offered: bool
    is_withdrawn: bool
    variants: tuple[VariantFacts, ...]
    override_id: int | None
    override_ends_at: datetime | None


def serving(game_id: int, jurisdiction: str, at: datetime) -> Serving | None:
    """Return what the launch gate asks about; None for an unknown game. One query."""
    row = prepared_row(
        statements.SERVING, {"game_id": game_id, "jurisdiction": jurisdiction, "at": at}
    )
    if row is None:
        return None
    certificates = tuple(
        _certificate([*c[:8], *map(_day, c[8:13]), *c[13:]]) for c in row[15] or ()
    )
    builds = {item[0]: BuildFacts._make(item) for item in row[10] or []}
    variants = {item[0]: VariantFacts(item[0], item[1], Decimal(item[2])) for item in row[11] or []}
    changes = tuple(ChangeFacts(c[0], c[1], c[2], _moment(c[3])) for c in row[13] or [])
    deployments = tuple(_deployment(item, builds, variants) for item in row[12] or [])
    override = row[14]
    return Serving(
        offer=OfferFacts(
            game_id=row[0],
            game_code=row[1],
            provider_code=row[2],
            jurisdiction=jurisdiction,
            certificates=certificates,
            deployments=deployments,
            lineage=Lineage(builds, changes) if builds else NO_LINEAGE,
        ),
        category=row[3],
        theoretical_rtp=row[4],
        is_game_active=row[5],
        is_provider_active=row[6],
        is_provider_live=row[7],
        is_offered=row[8],
        is_withdrawn=row[9],
        variants=tuple(variants.values()),
        override_id=override[0] if override else None,
        override_ends_at=_moment(override[1]) if override else None,
    )


AS_IT_STANDS: Final = datetime.max.replace(tzinfo=UTC)
"""A moment after every edit on file."""


class OfferedGame(NamedTuple):
    """An active game with every jurisdiction in which it is on offer, by code."""

    id: int
    code: str
    provider_code: str
    places: Sequence[str]


def active_offers(games: Collection[int] | None, at: datetime = AS_IT_STANDS) -> list[OfferedGame]:
    """Return the games that were on offer at the moment, or are, by code."""
    asked = {"games": _array(games), "nowhere": REHEARSAL_JURISDICTION, "at": at}
    rows = _rows(statements.OFFERS, asked)
    return [OfferedGame._make(row) for row in rows]


def certificates_by_game(
    codes: Collection[str] | None,
) -> dict[tuple[str, str], list[CertificateFacts]]:
    """Return the reports that name each (provider code, game code), the longest valid first."""
    found: dict[tuple[str, str], list[CertificateFacts]] = defaultdict(list)
    rows = _rows(statements.ALL_CERTIFICATES, {"codes": None if codes is None else list(codes)})
    for row in rows:
        certificate = _certificate(row)
        for game_code in row[17]:
            found[row[16], game_code].append(certificate)
    return found


@dataclass(frozen=True, slots=True)
class Deployed:
    """What runs, by game and place, at the moments asked about; and where something ran before."""

    now: Mapping[int, Mapping[str, Sequence[Running]]]
    ended: Collection[tuple[int, str]]


def deployed_at(
    moments: Moments, offers: Iterable[OfferedGame], games: Collection[int] | None
) -> Deployed:
    """Return what runs; a place without anything is asked whether something ran before."""
    arguments = {
        "places": list(moments),
        "moments": list(moments.values()),
        "games": _array(games),
    }
    rows = _rows(statements.DEPLOYED, arguments)
    lineages, variants = _what_runs(rows, arguments) if rows else ({}, {})
    now: dict[int, dict[str, tuple[Running, ...]]] = defaultdict(dict)
    for game_id, channel, build_id, variant_id, digest, at, places in rows:
        lineage = lineages[game_id]
        running = running_as(lineage.builds[build_id], lineage, at, channel=channel)
        # The same build runs in many places: they share what it inherits.
        alone = (replace(running, variant=variants.get(variant_id), digest=digest),)
        there = now[game_id]
        for place in places:
            there[place] = there[place] + alone if place in there else alone
    idle = {game.id for game in offers if not now.get(game.id, {}).keys() >= set(game.places)}
    once = _rows(statements.ONCE_DEPLOYED, {**arguments, "games": list(idle)}) if idle else []
    return Deployed(now, {(row[0], row[1]) for row in once})


def _what_runs(
    rows: Iterable[Sequence[Any]], arguments: Mapping[str, Any]
) -> tuple[dict[int, Lineage], dict[int, VariantFacts]]:
    builds = {"builds": list({row[2] for row in rows})}
    lineages = _lineages(statements.BUILDS_IN_LINE, statements.CHANGES_IN_LINE, builds)
    return lineages, {row[0]: VariantFacts(*row) for row in _rows(statements.VARIANTS, arguments)}


def offers_over_time(games: Collection[int], places: Sequence[str]) -> list[OfferFacts]:
    """Return what decides about each game in each place at any time; six queries."""
    arguments = {"games": _array(games), "places": list(places)}
    named = _rows(statements.GAMES, arguments)
    certificates = certificates_by_game({row[1] for row in named})
    lineages = _lineages(statements.BUILDS, statements.CHANGES, arguments)
    variants = {row[0]: VariantFacts(*row) for row in _rows(statements.VARIANTS, arguments)}
    deployments: dict[tuple[int, str], list[DeploymentFacts]] = defaultdict(list)
    for game_id, place, *item in _rows(statements.DEPLOYED_EVER, arguments):
        pk, channel, build_id, variant_id, starts_at, ends_at, digest = item
        build, variant = lineages[game_id].builds[build_id], variants.get(variant_id)
        deployments[game_id, place].append(
            DeploymentFacts(pk, channel, build, variant, starts_at, ends_at, digest)
        )
    return [
        OfferFacts(
            game_id=game_id,
            game_code=game_code,
            provider_code=provider_code,
            jurisdiction=place,
            certificates=tuple(certificates.get((provider_code, game_code), ())),
            deployments=tuple(deployments.get((game_id, place), ())),
            lineage=lineages.get(game_id, NO_LINEAGE),
        )
        for game_id, game_code, provider_code in named
        for place in sorted(places)
    ]


def _lineages(
    of_builds: LiteralString, of_changes: LiteralString, arguments: Mapping[str, Any]
) -> dict[int, Lineage]:
    builds: dict[int, dict[int, BuildFacts]] = defaultdict(dict)
    for row in _rows(of_builds, arguments):
        builds[row[0]][row[1]] = BuildFacts._make(row[1:])
    changes: dict[int, list[ChangeFacts]] = defaultdict(list)
    for row in _rows(of_changes, arguments) if builds else ():
        changes[row[0]].append(ChangeFacts(*row[1:]))
    return {game: Lineage(known, tuple(changes.get(game, ()))) for game, known in builds.items()}


def _rows(statement: str, arguments: Mapping[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        return list(cursor.fetchall())


def _array(games: Collection[int] | None) -> list[int] | None:
    return None if games is None else list(games)


def _certificate(row: Sequence[Any]) -> CertificateFacts:
    facts: list[Any] = [
        *row[:13],
        frozenset(row[13]),
        tuple(map(BuildClaim._make, row[14] or ())),
        tuple(VariantClaim(item[0], item[1], Decimal(item[2])) for item in row[15] or ()),
    ]
    return CertificateFacts(*facts)


def _deployment(
    item: Sequence[Any], builds: Mapping[int, BuildFacts], variants: Mapping[int, VariantFacts]
) -> DeploymentFacts:
    return DeploymentFacts(
        id=item[0],
        channel=item[1],
        build=builds[item[2]],
        variant=variants.get(item[3]),
        starts_at=_moment(item[4]),
        ends_at=None if item[5] is None else _moment(item[5]),
        digest=item[6],
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _moment(epoch: str) -> datetime:
    seconds, _, fraction = epoch.partition(".")
    # A float would lose the last microsecond.
    return datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=int(fraction[:6] or 0))
