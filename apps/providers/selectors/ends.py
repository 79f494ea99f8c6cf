"""What hangs on an end of a certificate, by the judge of cover and no rule of its own."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Exists, OuterRef, Q, Subquery

from apps.core.jurisdictions import day_in, jurisdiction_by_code, noon_of_day, start_of_day
from apps.providers.coverage.periods import periods_of
from apps.providers.enums import EndKind
from apps.providers.models import Certificate, Game
from apps.providers.selectors.coverage import (
    COVERING_KINDS,
    CoverageCell,
    certificates_in_force,
    coverage_on,
    later_revisions,
)
from apps.providers.selectors.lapses import End
from apps.providers.selectors.register import offers_over_time


@dataclass(frozen=True, slots=True)
class Remains:
    """What an end leaves to be done.

    ``offers`` are those that nothing covers once it has come, and of a review also those that the
    report is the proof of. ``successor_id`` is the later revision, or the report that says it
    replaces this one, that proves something on that day. A report that by itself says nothing of a
    game (RNG, platform) leaves something as long as it has no successor of its scope.
    """

    offers: tuple[CoverageCell, ...]
    successor_id: int | None
    is_something: bool


@dataclass(frozen=True, slots=True)
class _Scope:
    provider_code: str
    kind: str
    games: frozenset[str]
    places: frozenset[str]

    def names(self, cell: CoverageCell) -> bool:
        return (
            cell.provider_code == self.provider_code
            and cell.game_code in self.games
            and cell.jurisdiction in self.places
        )


def day_without(end: End) -> date:
    """Return the first day on which the certificate can't be counted on any more."""
    return end.on + timedelta(days=1) if end.kind == EndKind.EXPIRY else end.on


def remains_of(ends: Collection[End], on: date) -> dict[End, Remains]:
    """Say of each end what it leaves, once it has come, and on the day if that is later.

    An offer that anything covered since the first day without the report doesn't hang on it, even
    if nothing covers it today: what ended since has an end of its own.
    """
    by_day: dict[date, list[End]] = defaultdict(list)
    for end in ends:
        by_day[judged_on(end, on)].append(end)
    successors = {
        end: new
        for day, some in by_day.items()
        for found in [_successors({end.certificate_id for end in some}, day)]
        for end in some
        if (new := found.get(end.certificate_id)) is not None
    }
    scopes = _scopes({end.certificate_id for end in ends}.union(successors.values()))
    offers = _uncovered(by_day, scopes)
    past = [end for end in offers if end.kind != EndKind.REVIEW and day_without(end) < on]
    since = _uncovered_since([cell for end in past for cell in offers[end]], past, on)
    for end in past:
        offers[end] = [cell for cell in offers[end] if since[_key(cell)] <= day_without(end)]
    return {
        end: _remains(scopes, end, tuple(offers.get(end, ())), successors.get(end)) for end in ends
    }


def judged_on(end: End, on: date) -> date:
    """Return the day by which it is decided what the end leaves."""
    return on if end.kind == EndKind.REVIEW else max(day_without(end), on)


def _remains(
    scopes: dict[int, _Scope], end: End, offers: tuple[CoverageCell, ...], successor: int | None
) -> Remains:
    scope = scopes[end.certificate_id]
    if scope.kind in COVERING_KINDS:
        return Remains(offers, successor, is_something=bool(offers))
    new = scopes[successor] if successor is not None else None
    is_replaced = new is not None and new.games >= scope.games and new.places >= scope.places
    return Remains((), successor, is_something=not is_replaced)


def _key(cell: CoverageCell) -> tuple[int, str]:
    return cell.game_id, cell.jurisdiction


def _uncovered_since(
    cells: Collection[CoverageCell], past: Collection[End], on: date
) -> dict[tuple[int, str], date]:
    """Return the first day on which nothing covered each offer any more, from the earliest end."""
    first = min((day_without(end) for end in past), default=on)
    found = {_key(cell): first for cell in cells}
    games, places = {game for game, _ in found}, sorted({place for _, place in found})
    for offer in offers_over_time(games, places) if found else ():
        key, place = (offer.game_id, offer.jurisdiction), offer.jurisdiction
        if key not in found or jurisdiction_by_code(place) is None:
            continue
        span = start_of_day(place, first), noon_of_day(place, on)
        covered = [one.end for one in periods_of(offer, *span) if one.cover.allowed]
        if covered:
            found[key] = day_in(place, max(covered))
    return found


def _uncovered(
    by_day: dict[date, list[End]], scopes: dict[int, _Scope]
) -> dict[End, list[CoverageCell]]:
    """Return the offers that each end leaves on its day; an end that leaves none is left out."""
    ids = _game_ids(scopes)
    found: dict[End, list[CoverageCell]] = {}
    for day, ends in by_day.items():
        codes = {
            (scope.provider_code, code)
            for end in ends
            for scope in [scopes[end.certificate_id]]
            if scope.kind in COVERING_KINDS
            for code in scope.games
        }
        games = {ids[code] for code in codes if code in ids}
        cells: dict[tuple[str, str], list[CoverageCell]] = defaultdict(list)
        for cell in coverage_on(day, game_ids=games) if games else ():
            cells[cell.provider_code, cell.game_code].append(cell)
        for end in ends:
            left = list(_left_of(end, scopes[end.certificate_id], cells))
            if left:
                found[end] = left
    return found


def _left_of(
    end: End, scope: _Scope, cells: dict[tuple[str, str], list[CoverageCell]]
) -> Iterator[CoverageCell]:
    for code in sorted(scope.games):
        for cell in cells.get((scope.provider_code, code), ()):
            is_proof = any(proof.id == end.certificate_id for proof in cell.cover.proofs)
            is_reviewed = end.kind == EndKind.REVIEW and is_proof
            if (is_reviewed or not cell.cover.allowed) and scope.names(cell):
                yield cell


def _game_ids(scopes: dict[int, _Scope]) -> dict[tuple[str, str], int]:
    codes = {code for scope in scopes.values() for code in scope.games}
    rows = Game.objects.filter(game_code__in=codes)
    return {
        (row[0], row[1]): row[2] for row in rows.values_list("provider__code", "game_code", "pk")
    }


def _scopes(certificate_ids: Collection[int]) -> dict[int, _Scope]:
    certificates = Certificate.objects.filter(pk__in=list(certificate_ids))
    games, places = defaultdict(set), defaultdict(set)
    for pk, code in certificates.values_list("pk", "games__game_code"):
        games[pk].add(code)
    for pk, place in certificates.values_list("pk", "jurisdictions__jurisdiction"):
        places[pk].add(place)
    return {
        pk: _Scope(provider, kind, frozenset(games[pk] - {None}), frozenset(places[pk] - {None}))
        for pk, provider, kind in certificates.values_list("pk", "provider_code", "kind")
    }


def _successors(certificate_ids: Collection[int], day: date) -> dict[int, int]:
    """Return the newest report in force that day in the place of each certificate, if there is."""
    ids = list(certificate_ids)
    old = Certificate.objects.filter(pk__in=ids)
    same = old.filter(lab=OuterRef("lab"), report_number=OuterRef("report_number"))
    in_force = certificates_in_force(day).filter(Exists(same) | Q(supersedes__in=ids))
    revisions: dict[tuple[int, str], tuple[int, int]] = {}
    found: dict[int, int] = {}
    for pk, lab, number, revision, supersedes in in_force.order_by("revision", "pk").values_list(
        "pk", "lab_id", "report_number", "revision", "supersedes_id"
    ):
        revisions[lab, number] = revision, pk
        if supersedes is not None:
            found[supersedes] = pk
    for pk, lab, number, revision in old.values_list("pk", "lab_id", "report_number", "revision"):
        newest, new = revisions.get((lab, number), (revision, pk))
        if newest > revision:
            found[pk] = new
    return found


def is_in_force(certificate_id: int, day: date) -> bool:
    return certificates_in_force(day).filter(pk=certificate_id).exists()


def replaced_since(certificate_ids: Collection[int], on: date) -> dict[int, date]:
    """Return since when a registered report, good or bad, stands in the place of each, by id."""
    first = later_revisions(on).order_by("effective_on").values("effective_on")[:1]
    found = Certificate.objects.filter(pk__in=list(certificate_ids)).annotate(since=Subquery(first))
    return dict(found.exclude(since=None).values_list("pk", "since"))


def is_replaced_before(end: End, since: date | None) -> bool:
    """Say whether another report stood in the place of this one before the end came to it."""
    return since is not None and (end.kind == EndKind.REVIEW or since <= end.on)
