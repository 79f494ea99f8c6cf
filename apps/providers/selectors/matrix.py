"""What the coverage pages need beside the verdicts: the catalogue, overrides, reports, dates."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Q

from apps.core.jurisdictions import day_in, noon_of_day
from apps.providers.coverage.bulk import DayJudge
from apps.providers.coverage.facts import CertificateFacts
from apps.providers.enums import CertificateState
from apps.providers.models import Certificate, Game, GateOverride, LabAccreditation
from apps.providers.selectors.coverage import CoverageCell, offers_to_players
from apps.providers.selectors.register import active_offers, certificates_by_game, deployed_at


@dataclass(frozen=True, slots=True)
class CatalogueGame:
    """An active game that is on offer somewhere."""

    id: int
    provider_code: str
    game_code: str
    name: str
    category: str
    theoretical_rtp: Decimal | None


def offered_games(
    *, provider_code: str = "", text: str = "", game_code: str = ""
) -> list[CatalogueGame]:
    """Return the games on offer, by code; ``text`` is part of the code or the name."""
    games = Game.objects.filter(offers__in=offers_to_players())
    if provider_code:
        games = games.filter(provider__code=provider_code)
    if game_code:
        games = games.filter(game_code=game_code)
    if text:
        games = games.filter(Q(game_code__icontains=text) | Q(name__icontains=text))
    rows = (
        games.distinct()
        .order_by("game_code", "provider__code")
        .values_list("pk", "provider__code", "game_code", "name", "category", "theoretical_rtp")
    )
    return [CatalogueGame(*row) for row in rows]


def offered_places() -> list[str]:
    """Return every jurisdiction in which anything is on offer."""
    places = offers_to_players()
    return sorted(places.values_list("jurisdiction", flat=True).distinct())


def overrides_at(at: datetime) -> dict[tuple[int, str], datetime]:
    """Return when the override of the gate ends, for each game and jurisdiction that has one."""
    rows = (
        GateOverride.objects.filter(starts_at__lte=at, ends_at__gt=at)
        .filter(Q(ended_at__isnull=True) | Q(ended_at__gt=at))
        .values_list("game_id", "jurisdiction", "ends_at")
    )
    return {(game, place): ends_at for game, place, ends_at in rows}


def review_days(certificate_ids: Collection[int]) -> dict[int, date]:
    """Return by when each certificate that has one is due for review."""
    found = Certificate.objects.filter(pk__in=certificate_ids, review_due_on__isnull=False)
    return {pk: day for pk, day in found.values_list("pk", "review_due_on") if day is not None}


def last_reports(
    offers: Collection[tuple[str, str, str]], at: datetime
) -> dict[tuple[str, str, str], CertificateFacts]:
    """Return the report to renew for each (provider, game, place), where there is one.

    That is the longest valid one that names both and was neither withdrawn nor replaced.
    """
    by_game = certificates_by_game({game for _provider, game, _place in offers})
    found: dict[tuple[str, str, str], CertificateFacts] = {}
    for provider, game, place in offers:
        day = day_in(place, at)
        for certificate in by_game.get((provider, game), ()):
            replaced_from = certificate.replaced_from
            is_replaced = replaced_from is not None and replaced_from <= day
            if place in certificate.jurisdictions and not (
                certificate.is_withdrawn or is_replaced or certificate.effective_on > day
            ):
                found[provider, game, place] = certificate
                break
    return found


def coverage_without(when: datetime | date, certificate_id: int) -> list[CoverageCell]:
    """Judge every active offer as if one certificate proved nothing.

    What it replaced stays replaced: a lapsed revision does not bring its forerunner back.
    """
    offers = active_offers(None)
    moments: Mapping[str, datetime] = {
        place: when if isinstance(when, datetime) else noon_of_day(place, when)
        for place in sorted({offer[3] for offer in offers})
    }
    certificates = {
        game: [one for one in reports if one.id != certificate_id]
        for game, reports in certificates_by_game(None).items()
    }
    deployed = deployed_at(moments, offers, None)
    judge = DayJudge(certificates, deployed.now, deployed.ended, moments)
    return [
        CoverageCell(game_id, provider, game, place, judge.cover(game_id, provider, game, place))
        for game_id, game, provider, place in offers
    ]


@dataclass(frozen=True, slots=True)
class DeskDate:
    """A day on which something of the register begins, ends or is due."""

    on: date
    kind: str
    certificate_id: int | None
    lab_id: int
    text: str
    lab: str


def desk_dates(start: date, end: date) -> list[DeskDate]:
    """Return what begins, ends or is due from ``start`` through ``end``, by day."""
    found: list[DeskDate] = []
    certificates = Certificate.objects.filter(state=CertificateState.REGISTERED)
    for field, kind in (
        ("effective_on", "effective"),
        ("expires_on", "expires"),
        ("review_due_on", "review"),
    ):
        rows = certificates.filter(**{f"{field}__range": (start, end)}).values_list(
            field, "pk", "lab_id", "report_number", "revision", "lab__name"
        )
        found += [
            DeskDate(day, kind, pk, lab_id, f"{report} rev {revision}", lab)
            for day, pk, lab_id, report, revision, lab in rows
            if day is not None
        ]
    ends = LabAccreditation.objects.filter(valid_until__range=(start, end)).values_list(
        "valid_until", "lab_id", "body", "number", "lab__name"
    )
    found += [
        DeskDate(day, "accreditation", None, lab_id, f"{body} {number}", lab)
        for day, lab_id, body, number, lab in ends
    ]
    return sorted(found, key=lambda one: (one.on, one.kind, one.text))
