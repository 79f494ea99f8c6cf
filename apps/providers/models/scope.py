"""What a certificate reaches, what was found wrong with it, and what was flagged."""

from typing import override

from django.db import models
from django.db.models import Q

from apps.core.counting import counted
from apps.core.percents import display_percent
from apps.core.triggers import append_only
from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.providers.enums import END_OF_FLAG, Channel, DigestAlgorithm, FlagKind
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
    """A jurisdiction that the report is for.

    A foreign key that only the migration knows (``providers_real_report_names_real_places``) holds
    ``names_rehearsal`` to the report's ``is_rehearsal``: nothing real is of the rehearsals' place.
    """

    certificate = models.ForeignKey(
        Certificate, on_delete=models.PROTECT, related_name="jurisdictions"
    )
    jurisdiction = models.CharField(max_length=16)
    names_rehearsal = models.GeneratedField(
        expression=models.ExpressionWrapper(
            Q(jurisdiction=REHEARSAL_JURISDICTION), output_field=models.BooleanField()
        ),
        output_field=models.BooleanField(),
        db_persist=True,
    )

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
    """An RTP that the report certifies, in percent of the stake as printed (96.10).

    Without ``game_code`` it counts for every game of the report; without ``variant_code`` the
    figure alone tells the variant.
    """

    certificate = models.ForeignKey(
        Certificate, on_delete=models.PROTECT, related_name="rtp_variants"
    )
    game_code = models.CharField(max_length=128, blank=True, default="")
    variant_code = models.CharField(max_length=64, blank=True, default="")
    rtp_percent = models.DecimalField("RTP (%)", max_digits=7, decimal_places=4)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["certificate", "game_code", "variant_code", "rtp_percent"],
                name="providers_rtp_once_per_certificate",
            ),
            models.CheckConstraint(
                condition=Q(rtp_percent__gt=0) & Q(rtp_percent__lte=100),
                name="providers_rtp_is_a_share_of_the_stake",
            ),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return display_percent(self.rtp_percent)


class CertifiedBuild(models.Model):
    """A build of a game that the report was made on, as the lab names it.

    What the report leaves open (platform, engine, client, RNG, channel, digest) is empty and
    matches any. A report with no row for a game covers whatever build of it is not a major change.
    ``is_from_document`` says that the register's row named no build and nobody has confirmed what
    was read from the document: it refuses another build, but takes no cover away where nobody has
    recorded what runs.
    """

    certificate = models.ForeignKey(Certificate, on_delete=models.PROTECT, related_name="builds")
    game_code = models.CharField(max_length=128)
    build_version = models.CharField(max_length=64)
    platform_version = models.CharField(max_length=64, blank=True)
    engine_version = models.CharField(max_length=64, blank=True)
    client_revision = models.CharField(max_length=64, blank=True)
    rng_version = models.CharField("RNG version", max_length=64, blank=True)
    channel = models.CharField(max_length=16, choices=Channel.choices, default=Channel.ANY)
    digest = models.CharField("package SHA-256", max_length=64, blank=True)
    is_from_document = models.BooleanField("read from the document", default=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["certificate", "game_code", "build_version", "channel"],
                name="providers_build_certified_once_per_report",
            ),
            models.CheckConstraint(
                condition=~Q(game_code="") & ~Q(build_version=""),
                name="providers_certified_build_is_named",
            ),
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values),
                name="providers_certified_build_channel_is_known",
            ),
            models.CheckConstraint(
                condition=Q(digest="") | Q(digest__regex=r"^[0-9a-f]{64}$"),
                name="providers_certified_build_digest_is_sha256",
            ),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return f"{self.game_code} {self.build_version}"


class CriticalFile(models.Model):
    """A file of a certified build with the digest that the report prints, in lower-case hex."""

    build = models.ForeignKey(CertifiedBuild, on_delete=models.PROTECT, related_name="files")
    path = models.CharField(max_length=255)
    algorithm = models.CharField(max_length=8, choices=DigestAlgorithm.choices)
    seed = models.CharField("seed (hex)", max_length=8, blank=True)
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["build", "path", "algorithm", "seed"],
                name="providers_critical_file_digest_once_per_build",
            ),
            models.CheckConstraint(
                condition=Q(algorithm=DigestAlgorithm.SHA1, digest__regex=r"^[0-9a-f]{40}$")
                | Q(algorithm=DigestAlgorithm.SHA256, digest__regex=r"^[0-9a-f]{64}$")
                | Q(algorithm=DigestAlgorithm.CRC16, digest__regex=r"^[0-9a-f]{4}$"),
                name="providers_critical_file_digest_fits_its_algorithm",
            ),
            models.CheckConstraint(
                condition=Q(algorithm=DigestAlgorithm.CRC16, seed__regex=r"^[0-9a-f]{1,8}$")
                | (~Q(algorithm=DigestAlgorithm.CRC16) & Q(seed="")),
                name="providers_critical_file_crc16_names_its_seed",
            ),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return f"{self.path} ({self.algorithm})"


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
    empty for what has no countdown; a review that was moved to another ``ends_on`` counts down
    anew. The unique key is what keeps a check that runs twice, or two
    at once, from telling twice.
    """

    certificate = models.ForeignKey(Certificate, on_delete=models.PROTECT, related_name="flags")
    kind = models.CharField(max_length=32, choices=FlagKind.choices)
    threshold_days = models.PositiveSmallIntegerField("within (days)", null=True, blank=True)
    ends_on = models.DateField("day of the end", null=True, blank=True)
    flagged_on = models.DateField("as of")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["certificate", "kind", "threshold_days", "ends_on"],
                nulls_distinct=False,
                name="providers_flag_once_per_threshold",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=FlagKind.values), name="providers_flag_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=list(END_OF_FLAG), ends_on__isnull=False)
                | (~Q(kind__in=list(END_OF_FLAG)) & Q(ends_on__isnull=True)),
                name="providers_flag_of_an_end_names_its_day",
            ),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        days = "" if self.threshold_days is None else f", {counted(self.threshold_days, 'day')}"
        return f"{self.kind}{days}"
