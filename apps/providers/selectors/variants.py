"""What reports say about an RTP variant, and who vouches for that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Q, QuerySet

from apps.providers.models import Certificate, CertificateRtpVariant, DraftField, RtpVariant
from apps.providers.selectors.certificates import with_successor


@dataclass(frozen=True, slots=True)
class StatedRtp:
    """A report that names the variant's game, the figures it states for it, and their place.

    ``page``, ``confirmed_by`` and ``confirmed_at`` are None where the report came by an import.
    """

    certificate: Certificate
    figures: tuple[Decimal, ...]
    states_this: bool
    page: int | None
    confirmed_by: str | None
    confirmed_at: datetime | None


def claims_on(variant: RtpVariant) -> QuerySet[CertificateRtpVariant]:
    """Return what reports state for the variant's game, by its code or for any of them."""
    return CertificateRtpVariant.objects.filter(
        Q(game_code="") | Q(game_code=variant.game.game_code),
        Q(variant_code="") | Q(variant_code=variant.code),
    )


def stated_rtps(variant: RtpVariant, on: date) -> Sequence[StatedRtp]:
    """Return every report that names the game, the newest first, with what it says of its RTP."""
    reports = with_successor(
        Certificate.objects.filter(
            provider_code=variant.game.provider.code, games__game_code=variant.game.game_code
        ).select_related("lab", "document"),
        on,
    ).order_by("-issued_on", "-revision", "-pk")
    found = list(reports)
    claims: dict[int, list[Decimal]] = {}
    for claim in claims_on(variant).filter(certificate__in=found).order_by("rtp_percent"):
        claims.setdefault(claim.certificate_id, []).append(claim.rtp_percent)
    fields = DraftField.objects.filter(name="rtp_variants", draft__certificate__in=found)
    confirmed = {
        item.draft.certificate_id: item for item in fields.select_related("draft", "confirmed_by")
    }
    return [_stated(variant, one, claims.get(one.pk, []), confirmed.get(one.pk)) for one in found]


def _stated(
    variant: RtpVariant, report: Certificate, figures: list[Decimal], item: DraftField | None
) -> StatedRtp:
    return StatedRtp(
        certificate=report,
        figures=tuple(figures),
        states_this=variant.rtp_percent in figures,
        page=item.page if item else None,
        confirmed_by=str(item.confirmed_by) if item and item.confirmed_by else None,
        confirmed_at=item.confirmed_at if item else None,
    )
