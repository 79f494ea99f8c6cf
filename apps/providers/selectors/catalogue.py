"""How providers, their games and their secrets are read."""

from collections.abc import Collection
from datetime import date, datetime

from django.db.models import Min, Q, QuerySet

from apps.providers.adapters.registry import adapter_for
from apps.providers.contracts import GameRef
from apps.providers.enums import CertificateState, KeyPurpose, KeyState
from apps.providers.errors import UnknownProviderError
from apps.providers.models import (
    Certificate,
    CertificateGame,
    Game,
    GameOffer,
    OfferWithdrawal,
    Provider,
    ProviderKey,
)
from apps.providers.selectors.accreditations import issued_unaccredited


def provider_by_code(provider_code: str) -> Provider:
    """Return one provider.

    Raises:
        UnknownProviderError: no provider carries this code.
    """
    provider = Provider.objects.filter(code=provider_code).first()
    if provider is None:
        raise UnknownProviderError(provider_code)
    return provider


def transfer_address(provider_id: int) -> tuple[str, str]:
    """Return a provider's code, and where it takes transfers; empty where nobody entered it."""
    provider = Provider.objects.get(pk=provider_id)
    return provider.code, provider.transfer_url


def active_providers() -> list[Provider]:
    """Return every active provider, by code."""
    return list(Provider.objects.filter(is_active=True).order_by("code"))


def all_providers() -> list[Provider]:
    """Return every provider, by code; one that is switched off goes on settling what it took."""
    return list(Provider.objects.order_by("code"))


def rtp_stated_since(game: Game) -> date | None:
    """Return the day, by UTC, from which on the catalogue has stated the RTP that it states now.

    None where no version of the game is on file.
    """
    since = None
    versions = game.history.order_by("-history_date", "-history_id")
    for rtp, at in versions.values_list("theoretical_rtp", "history_date"):
        if rtp != game.theoretical_rtp:
            break
        since = at
    return None if since is None else since.date()


def provider_choices() -> list[tuple[str, str]]:
    """Return (id, name) of every provider, for a list filter."""
    return [
        (str(pk), name) for pk, name in Provider.objects.order_by("name").values_list("pk", "name")
    ]


def games_by_code(provider_id: int) -> dict[str, GameRef]:
    """Return a provider's catalogue by game code, inactive games included."""
    rows = Game.objects.filter(provider_id=provider_id).values_list(
        "pk", "game_code", "name", "category", "is_active"
    )
    return {row[1]: GameRef(*row) for row in rows}


def signing_secrets(provider_id: int) -> tuple[bytes, ...]:
    """Return the active secrets of a provider's callbacks, decoded, oldest first."""
    keys = ProviderKey.objects.filter(
        provider_id=provider_id, purpose=KeyPurpose.CALLBACKS, state=KeyState.ACTIVE
    )
    return tuple(
        adapter_for(key.provider.protocol).read_secret(key.secret)
        for key in keys.select_related("provider").order_by("not_before", "pk")
    )


def provider_codes() -> list[tuple[str, str]]:
    """Return (code, name) of every provider, for a form."""
    return list(Provider.objects.order_by("name").values_list("code", "name"))


def games_of_report(certificate_id: int) -> list[int]:
    """Return the games in the catalogue that a report names, by id."""
    return games_of_reports([certificate_id])


def games_of_reports(certificate_ids: Collection[int]) -> list[int]:
    """Return the games in the catalogue that any of the reports names, by id."""
    named = CertificateGame.objects.filter(certificate_id__in=certificate_ids)
    games = Game.objects.filter(
        game_code__in=named.values("game_code"),
        provider__code__in=named.values("certificate__provider_code"),
    )
    return list(games.order_by("pk").values_list("pk", flat=True))


def game_named(certificate: Certificate, game_code: str) -> list[int]:
    """Return the id of one of the games that a report names, where the catalogue has it."""
    games = Game.objects.filter(game_code=game_code, provider__code=certificate.provider_code)
    return list(games.values_list("pk", flat=True))


def first_day_of(certificate_ids: Collection[int]) -> date | None:
    """Return the earliest day from which one of the reports can count; None for no report."""
    reports = Certificate.objects.filter(pk__in=certificate_ids)
    first: date | None = reports.aggregate(Min("effective_on"))["effective_on__min"]
    return first


def unaccredited_reports(lab_id: int) -> frozenset[int]:
    """Return the lab's registered reports that were issued after its accreditation had ended."""
    reports = Certificate.objects.filter(lab_id=lab_id, state=CertificateState.REGISTERED)
    return frozenset(reports.filter(issued_unaccredited()).values_list("pk", flat=True))


def reports_on(document_id: int) -> list[int]:
    """Return the registered reports that a document proves."""
    reports = Certificate.objects.filter(document_id=document_id, state=CertificateState.REGISTERED)
    return list(reports.order_by("pk").values_list("pk", flat=True))


def family_of(certificate: Certificate) -> QuerySet[Certificate]:
    """Return a report with its revisions, and what it replaces or is replaced by."""
    return Certificate.objects.filter(
        Q(lab_id=certificate.lab_id, report_number=certificate.report_number)
        | Q(pk=certificate.supersedes_id)
        | Q(supersedes=certificate)
    )


def games_judged_with(certificate: Certificate) -> list[int]:
    """Return the games that a report names, or any of its family."""
    family = list(family_of(certificate).values_list("pk", flat=True))
    return sorted({game for pk in family for game in games_of_report(pk)})


def withdrawn_at(withdrawal_id: int) -> datetime:
    """Return when an offer was withdrawn."""
    return OfferWithdrawal.objects.values_list("withdrawn_at", flat=True).get(pk=withdrawal_id)


def offered_in(game_id: int) -> list[str]:
    """Return the jurisdictions in which the catalogue offers a game, withdrawn ones too."""
    offers = GameOffer.objects.filter(game_id=game_id).order_by("jurisdiction")
    return list(offers.values_list("jurisdiction", flat=True))


def withdrawals_of(game_id: int) -> list[OfferWithdrawal]:
    """Return where and when a game was withdrawn, newest first."""
    found = OfferWithdrawal.objects.filter(game_id=game_id)
    return list(
        found.select_related("withdrawn_by", "restored_by").order_by("-withdrawn_at", "-pk")
    )
