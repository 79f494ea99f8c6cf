"""What hangs on an end of a certificate, by the judge of cover and no rule of its own."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from apps.core.jurisdictions import day_in, jurisdiction_by_code, noon_of_day, start_of_day
from apps.providers.coverage.facts import OfferFacts
from apps.providers.coverage.judging import cover_of
from apps.providers.coverage.periods import periods_of
from apps.providers.enums import COVERING_KINDS, EndKind
from apps.providers.models import Certificate, Game
from apps.providers.selectors.coverage import (
    CoverageCell,
    certificates_in_force,
    later_revisions,
    proving_certificates,
)
from apps.providers.selectors.lapses import End
from apps.providers.selectors.register import active_offers, offers_over_time


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


def day_without(end: End) -> date:
    """Return the first day on which the certificate can't be counted on any more."""
    has_next = end.kind == EndKind.EXPIRY and end.on < date.max
    return end.on + timedelta(days=1) if has_next else end.on


class RemainsOnDay:
    """What ends leave, judged once each, for a run that asks about the same ends more than once."""

    def __init__(self, on: date) -> None:
        self._on = on
        self._judged: dict[End, Remains] = {}

    def of(self, ends: Collection[End]) -> dict[End, Remains]:
        new = set(ends) - self._judged.keys()
        if new:
            self._judged |= remains_of(new, self._on)
        return self._judged


def remains_of(ends: Collection[End], on: date) -> dict[End, Remains]:
    """Say of each end what it leaves, once it has come, and on the day if that is later.

    An offer that anything covered since the first day without the report doesn't hang on it, even
    if nothing covers it today: what ended since has an end of its own. However many ends and days
    there are, the register is read once: at most fourteen queries.
    """
    successors = _successors({end: judged_on(end, on) for end in ends})
    scopes = _scopes({end.certificate_id for end in ends}.union(successors.values()))
    register = _Register(
        scopes[end.certificate_id]
        for end in ends
        if scopes[end.certificate_id].kind in COVERING_KINDS
    )
    offers = {
        end: list(_left_of(end, scopes[end.certificate_id], judged_on(end, on), register))
        for end in ends
    }
    past = [end for end in ends if end.kind != EndKind.REVIEW and day_without(end) < on]
    since = _uncovered_since({end: offers[end] for end in past}, on, register)
    for end in past:
        offers[end] = [cell for cell in offers[end] if since[_key(cell)] <= day_without(end)]
    return {end: _remains(scopes, end, tuple(offers[end]), successors.get(end)) for end in ends}


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


class _Register:
    """Every offer that some scopes name, read once with all that decides about it on any day."""

    def __init__(self, scopes: Iterable[_Scope]) -> None:
        asked = list(scopes)
        ids = _game_ids(asked)
        games = active_offers(list(ids.values())) if ids else []
        places = sorted({place for game in games for place in game.places})
        facts = {
            (one.game_id, one.jurisdiction): one
            for one in (offers_over_time([game.id for game in games], places) if games else ())
        }
        self._offers: dict[tuple[str, str], list[OfferFacts]] = {
            (game.provider_code, game.code): [facts[game.id, place] for place in game.places]
            for game in games
        }
        self._facts = facts
        self._cells: dict[tuple[int, str, date], CoverageCell] = {}

    def offers(self, provider_code: str, game_code: str) -> Sequence[OfferFacts]:
        return self._offers.get((provider_code, game_code), ())

    def offer_of(self, cell: CoverageCell) -> OfferFacts:
        return self._facts[_key(cell)]

    def cell(self, offer: OfferFacts, day: date) -> CoverageCell:
        """Judge what runs at noon of the day, by the offer's own clock."""
        key = (offer.game_id, offer.jurisdiction, day)
        if key not in self._cells:
            noon = noon_of_day(offer.jurisdiction, day)
            cover = cover_of(offer, noon, offer.running(noon))
            self._cells[key] = CoverageCell(
                offer.game_id, offer.provider_code, offer.game_code, offer.jurisdiction, cover
            )
        return self._cells[key]


def _uncovered_since(
    left: Mapping[End, Collection[CoverageCell]], on: date, register: _Register
) -> dict[tuple[int, str], date]:
    """Return the first day on which nothing covered each offer any more, from its earliest end."""
    found: dict[tuple[int, str], date] = {}
    cells: dict[tuple[int, str], CoverageCell] = {}
    for end, some in left.items():
        for cell in some:
            key = _key(cell)
            cells[key] = cell
            found[key] = min(found.get(key, on), day_without(end))
    for (game, place), cell in cells.items():
        if jurisdiction_by_code(place) is None:
            continue
        span = start_of_day(place, found[game, place]), noon_of_day(place, on)
        periods = periods_of(register.offer_of(cell), *span)
        covered = [one.end for one in periods if one.cover.allowed]
        if covered:
            found[game, place] = day_in(place, max(covered))
    return found


def _left_of(end: End, scope: _Scope, day: date, register: _Register) -> Iterator[CoverageCell]:
    """Yield the offers that the end leaves on the day; none for a report that covers no game."""
    if scope.kind not in COVERING_KINDS:
        return
    for code in sorted(scope.games):
        for offer in register.offers(scope.provider_code, code):
            if offer.jurisdiction not in scope.places:
                continue
            cell = register.cell(offer, day)
            is_proof = any(proof.id == end.certificate_id for proof in cell.cover.proofs)
            is_reviewed = end.kind == EndKind.REVIEW and is_proof
            if is_reviewed or not cell.cover.allowed:
                yield cell


def _game_ids(scopes: Iterable[_Scope]) -> dict[tuple[str, str], int]:
    named = {(scope.provider_code, code) for scope in scopes for code in scope.games}
    rows = (
        Game.objects.filter(game_code__in={code for _, code in named})
        if named
        else Game.objects.none()
    )
    return {
        (provider, code): pk
        for provider, code, pk in rows.values_list("provider__code", "game_code", "pk")
        if (provider, code) in named
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


@dataclass(frozen=True, slots=True)
class _Report:
    """A report that proves something from one day on, until the first of the days it ends."""

    id: int
    series: tuple[int, str]
    revision: int
    supersedes_id: int | None
    effective_on: date
    expires_on: date | None
    ends_before: tuple[date | None, ...]

    def is_in_force(self, day: date) -> bool:
        has_begun = self.effective_on <= day
        has_expired = self.expires_on is not None and self.expires_on < day
        return (
            has_begun
            and not has_expired
            and not any(turn is not None and turn <= day for turn in self.ends_before)
        )


def _successors(days: Mapping[End, date]) -> dict[End, int]:
    """Return the newest report in force in the place of each certificate on the end's day."""
    ids = {end.certificate_id for end in days}
    old = Certificate.objects.filter(pk__in=ids)
    series = {
        pk: ((lab, number), revision)
        for pk, lab, number, revision in old.values_list(
            "pk", "lab_id", "report_number", "revision"
        )
    }
    of_series: dict[tuple[int, str], list[_Report]] = defaultdict(list)
    superseding: dict[int, list[_Report]] = defaultdict(list)
    for report in _reports_after(old, ids):
        of_series[report.series].append(report)
        if report.supersedes_id is not None:
            superseding[report.supersedes_id].append(report)
    found: dict[End, int] = {}
    for end, day in days.items():
        name, revision = series[end.certificate_id]
        later = [one for one in of_series[name] if one.revision > revision]
        for candidates in (later, superseding[end.certificate_id]):
            in_force = [one.id for one in candidates if one.is_in_force(day)]
            if in_force:
                # In the order of revisions: the last is the newest.
                found[end] = in_force[-1]
                break
    return found


def _reports_after(old: QuerySet[Certificate], ids: Collection[int]) -> Iterator[_Report]:
    """Yield what may stand in the place of the old, by revision."""
    same = old.filter(lab=OuterRef("lab"), report_number=OuterRef("report_number"))
    first = later_revisions(date.max).order_by("effective_on").values("effective_on")[:1]
    rows = (
        proving_certificates()
        .filter(Exists(same) | Q(supersedes__in=ids))
        .annotate(replaced_from=Subquery(first))
        .order_by("revision", "pk")
    )
    for row in rows:
        ends = row.invalidated_on, row.recalled_on, row.replaced_from
        yield _Report(
            row.pk,
            (row.lab_id, row.report_number),
            row.revision,
            row.supersedes_id,
            row.effective_on,
            row.expires_on,
            ends,
        )


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
