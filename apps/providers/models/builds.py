"""What of a game runs where: its builds, its RTP variants, deployments and suppliers' changes."""

from decimal import Decimal
from typing import override

import pgtrigger
from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from apps.core.history import history_records
from apps.core.percents import display_percent
from apps.core.triggers import append_only
from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.providers.enums import ChangeClass, Channel
from apps.providers.models.provider import Game


class GameBuild(models.Model):
    """A build of a game that the supplier delivered; another version is another row."""

    game = models.ForeignKey(Game, on_delete=models.PROTECT, related_name="builds")
    version = models.CharField(max_length=64)
    channel = models.CharField(max_length=16, choices=Channel.choices, default=Channel.ANY)
    platform_version = models.CharField(max_length=64, blank=True)
    engine_version = models.CharField(max_length=64, blank=True)
    client_revision = models.CharField(max_length=64, blank=True)
    rng_version = models.CharField("RNG version", max_length=64, blank=True)
    digest = models.CharField("package SHA-256", max_length=64, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["game", "version", "channel"], name="providers_build_once_per_version"
            ),
            models.CheckConstraint(condition=~Q(version=""), name="providers_build_has_a_version"),
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values), name="providers_build_channel_is_known"
            ),
            models.CheckConstraint(
                condition=Q(digest="") | Q(digest__regex=r"^[0-9a-f]{64}$"),
                name="providers_build_digest_is_sha256",
            ),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return self.version


class RtpVariant(models.Model):
    """A variant of a game with the RTP it is certified for, its volatility and where that stands.

    ``sigma`` is the standard deviation of the win per unit staked. A PAR sheet often prints a
    volatility index instead, which means nothing without its z (VI = z x sigma). Another RTP is
    another variant: the figure that rounds were played under never changes.
    """

    game = models.ForeignKey(Game, on_delete=models.PROTECT, related_name="variants")
    code = models.CharField(max_length=64)
    rtp_percent = models.DecimalField("RTP (%)", max_digits=7, decimal_places=4)
    sigma = models.DecimalField(
        "sigma (per unit stake)", max_digits=9, decimal_places=4, null=True, blank=True
    )
    volatility_index = models.DecimalField(max_digits=9, decimal_places=4, null=True, blank=True)
    volatility_z = models.DecimalField(
        "z of the volatility index", max_digits=6, decimal_places=4, null=True, blank=True
    )
    hit_frequency_percent = models.DecimalField(
        "hit frequency (%)", max_digits=7, decimal_places=4, null=True, blank=True
    )
    max_win_multiple = models.PositiveIntegerField("max. win (x stake)", null=True, blank=True)
    jackpot_percent = models.DecimalField(
        "jackpot contribution (%)", max_digits=7, decimal_places=4, null=True, blank=True
    )
    certificate = models.ForeignKey(
        "providers.Certificate",
        verbose_name="stated by",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="variant_figures",
    )
    source = models.CharField(max_length=255)
    created_at = models.DateTimeField()

    history = history_records()

    class Meta:
        verbose_name = "RTP variant"
        constraints = [
            models.UniqueConstraint(
                fields=["game", "code"], name="providers_variant_once_per_game"
            ),
            models.CheckConstraint(
                condition=Q(rtp_percent__gt=0) & Q(rtp_percent__lte=100),
                name="providers_variant_rtp_is_a_share_of_the_stake",
            ),
            models.CheckConstraint(
                condition=Q(volatility_index__isnull=True, volatility_z__isnull=True)
                | Q(
                    volatility_index__isnull=False,
                    volatility_index__gt=0,
                    volatility_z__isnull=False,
                    volatility_z__gt=0,
                ),
                name="providers_variant_volatility_index_names_its_z",
            ),
            models.CheckConstraint(
                condition=Q(sigma__isnull=True) | Q(sigma__gt=0),
                name="providers_variant_sigma_is_positive",
            ),
            models.CheckConstraint(
                condition=~Q(code="") & ~Q(source=""),
                name="providers_variant_has_code_and_source",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="figure_never_changes", fields=["game", "code", "rtp_percent", "created_at"]
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.code} ({display_percent(self.rtp_percent)})"

    @property
    def deviation(self) -> Decimal | None:
        """Return sigma, stated or from the volatility index; None where neither is on file."""
        if self.sigma is not None:
            return self.sigma
        if self.volatility_index is not None and self.volatility_z is not None:
            return (self.volatility_index / self.volatility_z).quantize(Decimal("0.0001"))
        return None


_SAME_GAME = """
IF NOT EXISTS (SELECT 1 FROM providers_gamebuild WHERE id = NEW.build_id AND game_id = NEW.game_id)
   OR (NEW.variant_id IS NOT NULL AND NOT EXISTS (
       SELECT 1 FROM providers_rtpvariant WHERE id = NEW.variant_id AND game_id = NEW.game_id))
THEN
    RAISE EXCEPTION 'providers_deployment_is_of_one_game: build or variant of another game';
END IF;
RETURN NEW;
"""


def _only(field: str, span: str) -> Func:
    """Return the span that holds one value: two of them overlap where the values are equal."""
    return Func(F(field), F(field), RangeBoundary(inclusive_upper=True), function=span)


class Deployment(models.Model):
    """Which build and variant of a game runs in a jurisdiction, from when, until when.

    From ``starts_at`` on, and up to but not at ``ends_at``; open while it runs. ``digest`` is what
    was measured of the package where it runs. Only its end is ever changed, with a reason.
    """

    game = models.ForeignKey(Game, on_delete=models.PROTECT, related_name="deployments")
    jurisdiction = models.CharField(max_length=16)
    channel = models.CharField(max_length=16, choices=Channel.choices, default=Channel.ANY)
    build = models.ForeignKey(GameBuild, on_delete=models.PROTECT, related_name="deployments")
    variant = models.ForeignKey(
        RtpVariant, on_delete=models.PROTECT, null=True, blank=True, related_name="deployments"
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    digest = models.CharField("package SHA-256 as measured", max_length=64, blank=True)
    created_at = models.DateTimeField()

    history = history_records()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="providers_deployment_ends_after_it_starts",
            ),
            models.CheckConstraint(
                # Not of what ended: what was recorded before this was refused can be ended.
                condition=~Q(jurisdiction=REHEARSAL_JURISDICTION) | Q(ends_at__isnull=False),
                name="providers_open_deployment_is_in_no_rehearsal",
            ),
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values),
                name="providers_deployment_channel_is_known",
            ),
            models.CheckConstraint(
                condition=Q(digest="") | Q(digest__regex=r"^[0-9a-f]{64}$"),
                name="providers_deployment_digest_is_sha256",
            ),
            ExclusionConstraint(
                name="providers_deployment_one_at_a_time",
                expressions=[
                    (_only("game", "INT8RANGE"), RangeOperators.OVERLAPS),
                    (_only("jurisdiction", "PROVIDERS_TEXT_SPAN"), RangeOperators.OVERLAPS),
                    (_only("channel", "PROVIDERS_TEXT_SPAN"), RangeOperators.OVERLAPS),
                    (
                        Func(
                            F("starts_at"),
                            F("ends_at"),
                            RangeBoundary(),
                            function="TSTZRANGE",
                            output_field=DateTimeRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]
        indexes = [
            models.Index(
                fields=["game", "jurisdiction", "starts_at"], name="providers_deployment_of_game"
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="only_its_end_changes",
                fields=[
                    "game",
                    "jurisdiction",
                    "channel",
                    "build",
                    "variant",
                    "starts_at",
                    "digest",
                    "created_at",
                ],
            ),
            pgtrigger.Trigger(
                name="is_of_one_game",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=_SAME_GAME,
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"In {self.jurisdiction} from {self.starts_at:%Y-%m-%d %H:%M} UTC"


_SAME_GAME_BUILDS = """
IF (SELECT game_id FROM providers_gamebuild WHERE id = NEW.from_build_id)
   IS DISTINCT FROM (SELECT game_id FROM providers_gamebuild WHERE id = NEW.to_build_id)
THEN
    RAISE EXCEPTION 'providers_change_is_of_one_game: the builds are of different games';
END IF;
RETURN NEW;
"""


class SupplierChange(models.Model):
    """A supplier changed a build into another one, and somebody here said what that means.

    A minor change lets the report of the old build stand for the new one; a major change may
    affect fairness, so that the new build needs a report of its own. Judged again? Another row:
    the latest decision counts from its moment on. ``decided_by`` is empty at the command line.
    """

    from_build = models.ForeignKey(
        GameBuild, on_delete=models.PROTECT, related_name="changes_from_it"
    )
    to_build = models.ForeignKey(GameBuild, on_delete=models.PROTECT, related_name="changes_to_it")
    classification = models.CharField(max_length=8, choices=ChangeClass.choices)
    rationale = models.TextField()
    supplier_note = models.TextField("what the supplier says", blank=True)
    affects_rng = models.BooleanField("touches the RNG, its seeding or scaling", default=False)
    affects_outcome = models.BooleanField("touches how outcomes are made", default=False)
    affects_rtp = models.BooleanField("touches RTP, paytable or jackpot", default=False)
    affects_rules = models.BooleanField("touches rules or what players are shown", default=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    decided_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["from_build", "to_build", "decided_at"],
                name="providers_change_decided_once_at_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(from_build=F("to_build")),
                name="providers_change_is_between_two_builds",
            ),
            models.CheckConstraint(
                condition=Q(classification__in=ChangeClass.values),
                name="providers_change_is_major_or_minor",
            ),
            models.CheckConstraint(
                condition=~Q(rationale=""), name="providers_change_has_its_rationale"
            ),
            models.CheckConstraint(
                condition=Q(classification=ChangeClass.MAJOR)
                | Q(
                    affects_rng=False,
                    affects_outcome=False,
                    affects_rtp=False,
                    affects_rules=False,
                ),
                name="providers_change_that_touches_fairness_is_major",
            ),
        ]
        triggers = [
            *append_only(),
            pgtrigger.Trigger(
                name="is_of_one_game",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=_SAME_GAME_BUILDS,
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.classification} change {self.pk}"
