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

    Two queries where the answer is yes, three where it is no.
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
    named = (
        Certificate.objects.filter(
            kind__in=COVERING_KINDS,
            provider_code=game.provider.code,
            games__game_code=game.game_code,
        )
        .annotate(
            is_superseded=Exists(later_revisions(on)),
            is_for_jurisdiction=Exists(
                Certificate.objects.filter(
                    pk=OuterRef("pk"), jurisdictions__jurisdiction=jurisdiction
                )
            ),
        )
        .select_related("document")
        .order_by("report_number", "revision", "pk")
    )
    reasons = [_reason_against(certificate, jurisdiction, on) for certificate in named]
    if not reasons:
        text = f"No registered report names {game.game_code}."
        reasons = [CoverReason("no_certificate", text)]
    return tuple(reasons)


def _reason_against(certificate: Certificate, jurisdiction: str, on: date) -> CoverReason:
    # The annotations of _reasons_against are not known to the type of the model.
    is_for_jurisdiction = getattr(certificate, "is_for_jurisdiction")  # noqa: B009
    is_superseded = getattr(certificate, "is_superseded")  # noqa: B009
    ended = certificate.expires_on is not None and certificate.expires_on < on
    rules = (
        (not is_for_jurisdiction, "other_jurisdiction", f"does not name {jurisdiction}"),
        (certificate.state == CertificateState.WITHDRAWN, "withdrawn", "was withdrawn"),
        (
            certificate.result == CertificateResult.DOES_NOT_COMPLY,
            "does_not_comply",
            "says that the test was failed",
        ),
        (
            certificate.document.signature_state == SignatureState.INVALID,
            "invalid_signature",
            "has a document whose signature is invalid",
        ),
        (is_superseded, "superseded", "was replaced by a later revision"),
        (ended, "expired", f"was valid through {certificate.expires_on}"),
    )
    for applies, code, text in rules:
        if applies:
            return CoverReason(code, f"{certificate} {text}.")
    return CoverReason(
        "not_yet_effective", f"{certificate} takes effect on {certificate.effective_on}."
    )
