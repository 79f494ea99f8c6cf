"""What a certificate reaches, what was found wrong with it, and what was flagged."""

from typing import override

from django.db import models
from django.db.models import Q

from apps.core.triggers import append_only
from apps.providers.enums import FlagKind
from apps.providers.models.certificates import Certificate


class CertificateStandard(models.Model):
    """A standard and version that the report was tested against, as written ("GLI-19 v3.0")."""

    certificate = models.ForeignKey(Certificate, on_delete=models.PROTECT, related_name="standards")
    standard = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["certificate", "standard"], name="providers_standard_once_per_certificate"
            ),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return self.standard


class CertificateJurisdiction(models.Model):
    certificate = models.ForeignKey(
        Certificate, on_delete=models.PROTECT, related_name="jurisdictions"
    )
    jurisdiction = models.CharField(max_length=16)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["certificate", "jurisdiction"],
                name="providers_jurisdiction_once_per_certificate",
            ),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return self.jurisdiction


class CertificateGame(models.Model):
    """A game that the report names, by the provider's code; it may not be in the catalogue yet."""

    certificate = models.ForeignKey(Certificate, on_delete=models.PROTECT, related_name="games")
    game_code = models.CharField(max_length=128, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["certificate", "game_code"], name="providers_game_once_per_certificate"
            ),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return self.game_code


class CertificateRtpVariant(models.Model):
    """An RTP that the report certifies, in percent of the stake as printed (96.10)."""

    certificate = models.ForeignKey(
        Certificate, on_delete=models.PROTECT, related_name="rtp_variants"
    )
    rtp_percent = models.DecimalField("RTP (%)", max_digits=7, decimal_places=4)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["certificate", "rtp_percent"], name="providers_rtp_once_per_certificate"
            ),
            models.CheckConstraint(
                condition=Q(rtp_percent__gt=0) & Q(rtp_percent__lte=100),
                name="providers_rtp_is_a_share_of_the_stake",
            ),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return f"{self.rtp_percent.normalize():f} %"


class CertificateFinding(models.Model):
    """A difference between the register and the document, seen when the certificate was taken.

    It takes no cover away: a person reads both and decides, if need be by withdrawing.
    """

    certificate = models.ForeignKey(Certificate, on_delete=models.PROTECT, related_name="findings")
    code = models.CharField(max_length=32)
    field = models.CharField(max_length=32)
    register_value = models.CharField("in the register", max_length=512, blank=True)
    document_value = models.CharField("in the document", max_length=512, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["certificate", "code", "field"],
                name="providers_finding_once_per_certificate",
            ),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return f"{self.code}: {self.field}"


class CertificateFlag(models.Model):
    """Something about a certificate that people were told of, once.

    ``threshold_days`` is the bucket for an end that comes nearer (90, 60, 30, 14, 7, 1 days), and
    empty for what has no countdown. The unique key is what keeps a check that runs twice, or two
    at once, from telling twice.
    """

    certificate = models.ForeignKey(Certificate, on_delete=models.PROTECT, related_name="flags")
    kind = models.CharField(max_length=32, choices=FlagKind.choices)
    threshold_days = models.PositiveSmallIntegerField("within (days)", null=True, blank=True)
    flagged_on = models.DateField("as of")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["certificate", "kind", "threshold_days"],
                nulls_distinct=False,
                name="providers_flag_once_per_threshold",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=FlagKind.values), name="providers_flag_kind_is_known"
            ),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        days = "" if self.threshold_days is None else f", {self.threshold_days} days"
        return f"{self.kind}{days}"
