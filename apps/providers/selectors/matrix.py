"""What the coverage pages need beside the verdicts: the catalogue, overrides, reports, dates."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q

from apps.core.jurisdictions import day_in
from apps.providers.coverage.facts import CertificateFacts
from apps.providers.enums import CertificateState, ProviderStage
from apps.providers.models import Certificate, GateOverride, LabAccreditation, Provider
from apps.providers.selectors.coverage import games_on_at, offers_at
from apps.providers.selectors.register import certificates_by_game
from apps.providers.selectors.rehearsals import rehearsed_certificates


@dataclass(frozen=True, slots=True)
class CatalogueGame:
    """An active game that is on offer somewhere."""

    id: int
    provider_code: str
    game_code: str
    name: str
    category: str
    theoretical_rtp: Decimal


def offered_games(
    at: datetime,
    *,
    provider_code: str = "",
    text: str = "",
    game_code: str = "",
    game_ids: Collection[int] | None = None,
) -> list[CatalogueGame]:
    """Return the games on offer at a moment, by code; ``text`` is part of the code or the name."""
    # Joined, each game would come once for each place, and all of that be sorted to be told apart.
    games = games_on_at(at).filter(Exists(offers_at(at).filter(game=OuterRef("pk"))))
    if game_ids is not None:
        games = games.filter(pk__in=game_ids)
    if provider_code:
        games = games.filter(provider__code=provider_code)
    if game_code:
        games = games.filter(game_code=game_code)
    if text:
        games = games.filter(Q(game_code__icontains=text) | Q(name__icontains=text))
    rows = games.order_by("game_code", "provider__code").values_list(
        "pk", "provider__code", "game_code", "name", "category", "theoretical_rtp"
    )
    return [CatalogueGame(*row) for row in rows]


def offered_places(at: datetime) -> list[str]:
    """Return every jurisdiction in which anything was on offer at a moment."""
    places = offers_at(at)
    return sorted(places.values_list("jurisdiction", flat=True).distinct())


def providers_not_live(at: datetime) -> frozenset[str]:
    """Return the codes of the providers that two people had not taken live by then."""
    live = Q(live_since=None) | Q(live_since__lte=at)
    waiting = Provider.objects.exclude(live, stage=ProviderStage.LIVE)
    return frozenset(waiting.values_list("code", flat=True))


def live_providers() -> dict[str, datetime | None]:
    """Return since when each live provider is, by code; None where that is not on file."""
    live = Provider.objects.filter(stage=ProviderStage.LIVE)
    return dict(live.values_list("code", "live_since"))


def overrides_at(at: datetime) -> dict[tuple[int, str], datetime]:
    """Return when the override of the gate ends, for each game and jurisdiction that has one."""
    rows = (
        GateOverride.objects.filter(starts_at__lte=at, ends_at__gt=at)
        .filter(Q(ended_at__isnull=True) | Q(ended_at__gt=at))
        .values_list("game_id", "jurisdiction", "ends_at")
    )
    return {(game, place): ends_at for game, place, ends_at in rows}


def reviews_due_before(day: date) -> dict[int, date]:
    """Return, by certificate, when its review was due, where that was before the day."""
    found = Certificate.objects.filter(review_due_on__lt=day)
    return {pk: due for pk, due in found.values_list("pk", "review_due_on") if due is not None}


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


@dataclass(frozen=True, slots=True)
class DeskDate:
    """A day on which something of the register begins, ends or is due."""

    on: date
    kind: str
    certificate_id: int | None
    lab_id: int
    text: str
    lab: str
    accreditation_id: int | None = None


def desk_dates(start: date, end: date) -> list[DeskDate]:
    """Return what begins, ends or is due from ``start`` through ``end``, by day.

    What the acceptance kit plays under is nobody's date.
    """
    found: list[DeskDate] = []
    certificates = Certificate.objects.filter(
        ~rehearsed_certificates(), state=CertificateState.REGISTERED
    )
    for field, kind in (
        ("effective_on", "effective"),
        ("expires_on", "expires"),
        ("review_due_on", "review"),
        ("invalidated_on", "invalidated"),
        ("recalled_on", "recalled"),
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
        "valid_until", "lab_id", "body", "number", "lab__name", "pk"
    )
    found += [
        DeskDate(day, "accreditation", None, lab_id, f"{body} {number}", lab, pk)
        for day, lab_id, body, number, lab, pk in ends
    ]
    return sorted(found, key=lambda one: (one.on, one.kind, one.text))
