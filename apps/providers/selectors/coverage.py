"""Which certificate covers what runs of a game in a jurisdiction, and what is not covered.

A certificate covers a game in a jurisdiction at a moment when all of this holds:

* it is of kind game or live, and names the provider, the game and the jurisdiction. RNG and
  platform reports are needed too, but by themselves say nothing about a game;
* it is registered (a row withdrawn as a mistake counts for no day, past or to come), and its
  document does not say that the test was failed;
* the day is not before it takes effect, and not after the day it is valid through: the expiry day
  itself still counts. A review that is overdue is flagged but takes no cover away;
* no higher revision of the same report, and no report that says it supersedes this one, has taken
  effect by that day. A revision replaces the whole report: a game that the new revision no longer
  names is uncovered, even if the old one would still run. A revision that has itself expired does
  not bring its forerunner back;
* no change of the supplier has made it invalid by that day, and neither lab nor authority has
  recalled it by that day. Before it the report proved what it said, and it keeps its place among
  the revisions: its forerunner does not come back;
* its document's signature is not invalid. An unsigned or untrusted document covers, with a remark:
  most labs do not sign, and a signature nobody can place is not worse than none;
* the lab's accreditation on file had not ended when the report was issued;
* it is for what runs. A report that names builds of the game covers these, and those that came
  from them by minor changes; one that names none covers any build that did not come by a major or
  unjudged change. A report that names RTP variants covers these. Where nobody knows what runs, a
  report that names builds or codes of variants does not cover; a bare list of figures does.

Days are whole days by the clock of the jurisdiction: a report valid through 30 November in Malta
covers there until midnight in Malta. Where several builds run, one for each channel, all must be
covered.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce

from apps.core.jurisdictions import noon_of_day
from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.providers.contracts import Cover, UncoveredGame
from apps.providers.coverage.bulk import DayJudge
from apps.providers.coverage.facts import Lineage, Running, running_as
from apps.providers.coverage.judging import cover_of, refused
from apps.providers.coverage.periods import CoverPeriod, periods_of
from apps.providers.enums import (
    CertificateResult,
    CertificateState,
    SignatureState,
)
from apps.providers.models import (
    Certificate,
    Game,
    GameOffer,
    OfferWithdrawal,
    Provider,
)
from apps.providers.selectors.accreditations import issued_unaccredited
from apps.providers.selectors.register import (
    Serving,
    active_offers,
    certificates_by_game,
    deployed_at,
    serving,
)


def later_revisions(on: date) -> QuerySet[Certificate]:
    """Return, for use in a subquery, the reports in effect that replace the outer certificate."""
    return Certificate.objects.filter(
        Q(
            lab=OuterRef("lab"),
            report_number=OuterRef("report_number"),
            revision__gt=OuterRef("revision"),
        )
        | Q(supersedes=OuterRef("pk")),
        state=CertificateState.REGISTERED,
        effective_on__lte=on,
    )


def certificates_in_force(on: date) -> QuerySet[Certificate]:
    """Return the certificates that prove anything on this day, of any kind and scope."""
    return (
        proving_certificates()
        .filter(effective_on__lte=on)
        .exclude(expires_on__lt=on)
        .exclude(invalidated_on__lte=on)
        .exclude(recalled_on__lte=on)
        .filter(~Exists(later_revisions(on)))
    )


def proving_certificates() -> QuerySet[Certificate]:
    """Return the certificates that nothing speaks against but the days on which they count."""
    return (
        Certificate.objects.filter(state=CertificateState.REGISTERED)
        .exclude(result=CertificateResult.DOES_NOT_COMPLY)
        .exclude(document__signature_state=SignatureState.INVALID)
        .exclude(issued_unaccredited())
    )


def offer_count() -> int:
    """Return how many active games x jurisdictions are on offer; 0 says nothing was loaded."""
    return sum(len(game.places) for game in active_offers(None))


def offers_at(at: datetime) -> QuerySet[GameOffer]:
    """Return the offers to people that were not withdrawn at a moment, of whatever game.

    With ``games_on_at`` it says what ``active_offers`` says, for lists that narrow it further; a
    property test holds them together.
    """
    withdrawn = OfferWithdrawal.objects.filter(
        Q(restored_at=None) | Q(restored_at__gt=at),
        game=OuterRef("game"),
        jurisdiction=OuterRef("jurisdiction"),
        withdrawn_at__lte=at,
    )
    return GameOffer.objects.exclude(jurisdiction=REHEARSAL_JURISDICTION).exclude(Exists(withdrawn))


def games_on_at(at: datetime) -> QuerySet[Game]:
    """Return the games that were switched on, as their providers were, at a moment.

    What was edited since is as the last edit before that moment left it.
    """
    of_game = Game.history.filter(id=OuterRef("pk"))
    of_provider = Provider.history.filter(id=OuterRef("provider_id"))
    return Game.objects.alias(
        was_on=_was_on(of_game, F("is_active"), at),
        provider_was_on=_was_on(of_provider, F("provider__is_active"), at),
    ).filter(was_on=True, provider_was_on=True)


def _was_on(edits: QuerySet[Any], now: F, at: datetime) -> Case:
    before = edits.filter(history_date__lte=at).order_by("-history_date", "-history_id")
    then = Coalesce(Subquery(before.values("is_active")[:1]), now)
    return Case(When(Exists(edits.filter(history_date__gt=at)), then=then), default=now)


def cover(
    game_id: int, jurisdiction: str, at: datetime, *, build: str = "", variant: str = ""
) -> Cover:
    """Say whether what runs there at the moment is covered; one query.

    ``build`` and ``variant`` ask about these instead of what is deployed. An unknown game, build,
    variant or jurisdiction is never covered.
    """
    facts = serving(game_id, jurisdiction, at)
    if facts is None:
        return refused("unknown_game", f"There is no game {game_id}.")
    return verdict_on(facts, at, build=build, variant=variant).cover


def cover_for(game_id: int, jurisdiction: str, on: date) -> Cover:
    """Say whether the game is covered on a day of the jurisdiction, as it runs at noon there."""
    return cover(game_id, jurisdiction, noon_of_day(jurisdiction, on))


@dataclass(frozen=True, slots=True)
class Verdict:
    """The cover of what runs, or of what was asked about, and what that is, by channel."""

    cover: Cover
    running: tuple[Running, ...] = ()


def verdict_on(facts: Serving, at: datetime, *, build: str = "", variant: str = "") -> Verdict:
    """Judge facts already read; see ``cover``."""
    offer = facts.offer
    named = next((item for item in facts.variants if item.code == variant), None)
    if variant and named is None:
        text = f"There is no variant {variant} of {offer.game_code}."
        return Verdict(refused("unknown_variant", text))
    running = offer.running(at)
    if build:
        running = tuple(_as_build(offer.lineage, build, running, at))
        if not running:
            text = f"There is no build {build} of {offer.game_code}."
            return Verdict(refused("unknown_build", text))
    if named is not None:
        # Last, so that it is judged too where nothing runs that a build asked about stands for.
        running = tuple(replace(one, variant=named) for one in running)
    return Verdict(cover_of(offer, at, running), running)


def _as_build(
    lineage: Lineage, version: str, running: Sequence[Running], at: datetime
) -> Iterator[Running]:
    """Yield the build, once for each channel it is made for, with the variant that runs."""
    variants = {one.variant for one in running}
    for build in lineage.builds.values():
        if build.version != version:
            continue
        yield replace(
            running_as(build, lineage, at, channel=build.channel),
            variant=next(iter(variants)) if len(variants) == 1 else None,
            digest=build.digest,
        )


class CoverageCell(NamedTuple):
    """One offer of a game in a jurisdiction, with what covers it or what speaks against it."""

    game_id: int
    provider_code: str
    game_code: str
    jurisdiction: str
    cover: Cover


class GameCoverage(NamedTuple):
    """A game on offer, with what covers it or speaks against it in each jurisdiction, by code.

    ``running`` is what runs, where that is on file.
    """

    game_id: int
    provider_code: str
    game_code: str
    covers: Mapping[str, Cover]
    running: Mapping[str, Sequence[Running]]


def coverage_by_game(
    when: datetime | date, *, game_ids: Collection[int] | None = None, without: int | None = None
) -> list[GameCoverage]:
    """Return every game on offer with its cover, by game and jurisdiction; at most seven queries.

    A moment is another day here than there; a day is that day everywhere, by each place's clock,
    with what runs at noon. ``game_ids`` narrows it to some games. ``without`` judges as if this
    certificate proved nothing; what it replaced stays replaced, since a lapsed revision does not
    bring its forerunner back.
    """
    moment = when if isinstance(when, datetime) else datetime.combine(when, time(12), UTC)
    games = active_offers(game_ids, moment)
    moments = {
        place: when if isinstance(when, datetime) else noon_of_day(place, when)
        for place in sorted({place for game in games for place in game.places})
    }
    certificates = certificates_by_game(None if game_ids is None else {game.code for game in games})
    if without is not None:
        certificates = {
            game: [one for one in reports if one.id != without]
            for game, reports in certificates.items()
        }
    deployed = deployed_at(moments, games, game_ids)
    judge = DayJudge(certificates, deployed.now, deployed.ended, moments)
    return [
        GameCoverage(
            pk,
            provider,
            code,
            judge.covers(pk, provider, code, places),
            deployed.now.get(pk, {}),
        )
        for pk, code, provider, places in games
    ]


def coverage_on(
    when: datetime | date, *, game_ids: Collection[int] | None = None, without: int | None = None
) -> list[CoverageCell]:
    """Return every active offer with its cover, as ``coverage_by_game`` judges it."""
    return [
        CoverageCell(game.game_id, game.provider_code, game.game_code, place, cover)
        for game in coverage_by_game(when, game_ids=game_ids, without=without)
        for place, cover in game.covers.items()
    ]


def games_without_cover(
    when: datetime | date, *, game_ids: Collection[int] | None = None
) -> list[UncoveredGame]:
    """Return each active game on offer without cover, by game and jurisdiction."""
    return [
        UncoveredGame(cell.provider_code, cell.game_code, cell.jurisdiction)
        for cell in coverage_on(when, game_ids=game_ids)
        if not cell.cover.allowed
    ]


def cover_periods(
    game_id: int, jurisdiction: str, start: datetime, end: datetime
) -> list[CoverPeriod]:
    """Return, gapless from ``start`` to ``end``, the spans in which one answer holds.

    Empty for an unknown game or where ``end`` is not after ``start``. One query.
    """
    facts = serving(game_id, jurisdiction, start)
    return [] if facts is None else periods_of(facts.offer, start, end)
