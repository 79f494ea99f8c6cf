"""Record which report states the figure of an RTP variant."""

from django.db import transaction

from apps.core.history import note_edit
from apps.core.percents import display_percent
from apps.core.services import record_audit
from apps.providers.enums import CertificateState
from apps.providers.errors import (
    RtpNotStatedError,
    UnknownCertificateError,
    UnknownRegisterRowError,
)
from apps.providers.models import Certificate, RtpVariant
from apps.providers.selectors.variants import claims_on
from apps.providers.services.builds import Editing


@transaction.atomic
def name_source(variant_id: int, certificate_id: int, place: str, editing: Editing) -> RtpVariant:
    """Record the report that states a variant's figure, and where in it; the same again is none.

    Raises:
        ReasonRequiredError, UnknownRegisterRowError, UnknownCertificateError
        RtpNotStatedError: the report was taken back, names another game or states other figures.
    """
    editing.require_reason()
    variants = RtpVariant.objects.select_for_update(of=("self",))
    variant = variants.select_related("game__provider").filter(pk=variant_id).first()
    if variant is None:
        raise UnknownRegisterRowError(f"There is no variant {variant_id}.")
    certificate = Certificate.objects.filter(pk=certificate_id).first()
    if certificate is None:
        raise UnknownCertificateError(certificate_id)
    _require_stated(variant, certificate)
    source = f"{certificate}, {place.strip()}"
    if (variant.certificate_id, variant.source) == (certificate.pk, source):
        return variant
    variant.certificate, variant.source = certificate, source
    note_edit(variant, acting_user=editing.acting_user, reason=editing.reason, now=editing.now)
    variant.save(update_fields=["certificate", "source"])
    record_audit(
        action="providers.variant.source_named",
        actor=editing.acting_user,
        subject=f"variant:{variant.pk}",
        details={"certificate_id": certificate.pk, "source": source},
        reason=editing.reason,
        now=editing.now,
    )
    return variant


def _require_stated(variant: RtpVariant, certificate: Certificate) -> None:
    game = variant.game
    names_game = (
        certificate.state == CertificateState.REGISTERED
        and certificate.recalled_on is None
        and certificate.provider_code == game.provider.code
        and certificate.games.filter(game_code=game.game_code).exists()
    )
    stated = claims_on(variant).filter(certificate=certificate, rtp_percent=variant.rtp_percent)
    if not names_game or not stated.exists():
        raise RtpNotStatedError(
            f"{certificate} does not state {display_percent(variant.rtp_percent)} for {game}."
        )
