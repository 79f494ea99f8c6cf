"""Which certificate covers a game in a jurisdiction on a day, and what is not covered.

A certificate covers a game in a jurisdiction on a day when all of this holds:

* it is of kind game or live, and names the provider, the game and the jurisdiction. RNG and
  platform reports are needed too, but by themselves say nothing about a game;
* it is registered (not withdrawn), and its document does not say that the test was failed;
* the day is not before it takes effect, and not after the day it is valid through: the expiry day
  itself still counts. A review that is overdue is flagged but takes no cover away;
* no higher revision of the same report has taken effect by that day. A revision replaces the whole
  report: a game that the new revision no longer names is uncovered, even if the old one would
  still run. A revision that has itself expired does not bring its forerunner back;
* its document's signature is not invalid. An unsigned or untrusted document covers, with a remark:
  most labs do not sign, and a signature nobody can place is not worse than none.

Days are calendar days as the lab wrote them; the caller decides which day it is.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from django.db.models import Exists, F, OuterRef, QuerySet

from apps.providers.contracts import CertificateRef, Cover, CoverReason, UncoveredGame
from apps.providers.enums import (
    CertificateKind,
    CertificateResult,
    CertificateState,
    SignatureState,
)
from apps.providers.models import Certificate, Game, GameOffer

COVERING_KINDS = (CertificateKind.GAME, CertificateKind.LIVE)


def later_revisions(on: date) -> QuerySet[Certificate]:
    """Return, for use in a subquery, the higher revisions in effect of the outer certificate."""
    return Certificate.objects.filter(
        lab=OuterRef("lab"),
        report_number=OuterRef("report_number"),
        revision__gt=OuterRef("revision"),
        state=CertificateState.REGISTERED,
        effective_on__lte=on,
    )


def certificates_in_force(on: date) -> QuerySet[Certificate]:
    """Return the certificates that prove anything on this day, of any kind and scope."""
    return (
        Certificate.objects.filter(state=CertificateState.REGISTERED, effective_on__lte=on)
        .exclude(expires_on__lt=on)
        .exclude(result=CertificateResult.DOES_NOT_COMPLY)
        .exclude(document__signature_state=SignatureState.INVALID)
        .filter(~Exists(later_revisions(on)))
    )


def _covering(on: date) -> QuerySet[Certificate]:
    return certificates_in_force(on).filter(kind__in=COVERING_KINDS)


def games_without_cover(on: date) -> list[UncoveredGame]:
    """Return each active game on offer without cover, by game and jurisdiction; one query."""
    cover = _covering(on).filter(
        provider_code=OuterRef("game__provider__code"),
        games__game_code=OuterRef("game__game_code"),
        jurisdictions__jurisdiction=OuterRef("jurisdiction"),
    )
    offers = (
        GameOffer.objects.filter(game__is_active=True, game__provider__is_active=True)
        .filter(~Exists(cover))
        .order_by("game__game_code", "jurisdiction", "game__provider__code")
        .values_list("game__provider__code", "game__game_code", "jurisdiction")
    )
    return [UncoveredGame(*offer) for offer in offers]


def offer_count() -> int:
    """Return how many active games x jurisdictions are on offer; 0 says nothing was loaded."""
    return GameOffer.objects.filter(game__is_active=True, game__provider__is_active=True).count()


def cover_for(game_id: int, jurisdiction: str, on: date) -> Cover:
    """Say whether a certificate covers the game; an unknown game is never covered.

    Two queries where the answer is yes, four where it is no.
    """
    game = Game.objects.select_related("provider").filter(pk=game_id).first()
    if game is None:
        return _refused("unknown_game", f"There is no game {game_id}.")
    certificate = (
        _covering(on)
        .filter(
            provider_code=game.provider.code,
            games__game_code=game.game_code,
            jurisdictions__jurisdiction=jurisdiction,
        )
        .select_related("lab")
        .order_by(F("expires_on").desc(nulls_first=True), "pk")
        .first()
    )
    if certificate is not None:
        return Cover(allowed=True, certificate=certificate_ref(certificate))
    return Cover(allowed=False, certificate=None, reasons=_reasons_against(game, jurisdiction, on))


def certificate_ref(certificate: Certificate) -> CertificateRef:
    return CertificateRef(
        id=certificate.pk,
        lab=certificate.lab.name,
        report_number=certificate.report_number,
        revision=certificate.revision,
        expires_on=certificate.expires_on,
    )


def _refused(code: str, text: str) -> Cover:
    return Cover(allowed=False, certificate=None, reasons=(CoverReason(code, text),))


def _reasons_against(game: Game, jurisdiction: str, on: date) -> tuple[CoverReason, ...]:
    named = _candidates(on).filter(
        provider_code=game.provider.code, games__game_code=game.game_code
    )
    reasons = [
        reason
        for certificate in named
        if (reason := _objection(certificate, jurisdiction, on)) is not None
    ]
    return tuple(reasons) or (_nothing_names(game.game_code),)


def _nothing_names(game_code: str) -> CoverReason:
    return CoverReason("no_certificate", f"No registered report names {game_code}.")


def _candidates(on: date) -> QuerySet[Certificate]:
    return (
        Certificate.objects.filter(kind__in=COVERING_KINDS)
        .annotate(is_superseded=Exists(later_revisions(on)))
        .select_related("document", "lab")
        .defer("document__text")
        .prefetch_related("jurisdictions")
        .order_by("report_number", "revision", "pk")
    )


def _objection(certificate: Certificate, jurisdiction: str, on: date) -> CoverReason | None:
    """Return the first rule that this certificate fails, of a game it names; None if it covers."""
    # The annotation of _candidates is not known to the type of the model.
    is_superseded = getattr(certificate, "is_superseded")  # noqa: B009
    named = {item.jurisdiction for item in certificate.jurisdictions.all()}
    ended = certificate.expires_on is not None and certificate.expires_on < on
    failed = certificate.result == CertificateResult.DOES_NOT_COMPLY
    altered = certificate.document.signature_state == SignatureState.INVALID
    early = certificate.effective_on > on
    rules = (
        (jurisdiction not in named, "other_jurisdiction", f"does not name {jurisdiction}"),
        (certificate.state == CertificateState.WITHDRAWN, "withdrawn", "was withdrawn"),
        (failed, "does_not_comply", "says that the test was failed"),
        (altered, "invalid_signature", "has a document whose signature is invalid"),
        (is_superseded, "superseded", "was replaced by a later revision"),
        (ended, "expired", f"was valid through {certificate.expires_on}"),
        (early, "not_yet_effective", f"takes effect on {certificate.effective_on}"),
    )
    for applies, code, text in rules:
        if applies:
            return CoverReason(code, f"{certificate} {text}.")
    return None


@dataclass(frozen=True, slots=True)
class CoverageCell:
    """One offer of a game in a jurisdiction, with what covers it or what speaks against it."""

    game_id: int
    provider_code: str
    game_code: str
    jurisdiction: str
    cover: Cover


def coverage_on(on: date) -> list[CoverageCell]:
    """Return every active offer with its cover, by game and jurisdiction; four queries in all."""
    by_game: dict[tuple[str, str], list[Certificate]] = defaultdict(list)
    for certificate in _candidates(on).prefetch_related("games"):
        for scope in certificate.games.all():
            by_game[certificate.provider_code, scope.game_code].append(certificate)
    offers = (
        GameOffer.objects.filter(game__is_active=True, game__provider__is_active=True)
        .order_by("game__game_code", "jurisdiction", "game__provider__code")
        .values_list("game_id", "game__provider__code", "game__game_code", "jurisdiction")
    )
    return [
        CoverageCell(
            *offer, cover=_cover_among(by_game[offer[1], offer[2]], offer[2], offer[3], on)
        )
        for offer in offers
    ]


def _cover_among(
    certificates: list[Certificate], game_code: str, jurisdiction: str, on: date
) -> Cover:
    objections = []
    for certificate in certificates:
        objection = _objection(certificate, jurisdiction, on)
        if objection is None:
            return Cover(allowed=True, certificate=certificate_ref(certificate))
        objections.append(objection)
    reasons = tuple(objections) or (_nothing_names(game_code),)
    return Cover(allowed=False, certificate=None, reasons=reasons)
