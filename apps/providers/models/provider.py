from typing import override

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.core.fields import EncryptedTextField
from apps.core.history import history_records
from apps.providers.enums import (
    GameCategory,
    KeyPurpose,
    KeyState,
    Protocol,
    ProviderStage,
    WalletModel,
)


class Provider(models.Model):
    """A game provider and the contract we hold it to: protocol, wallet model, clocks, deadlines.

    ``past_seconds`` and ``future_seconds`` bound an event's own timestamp (design 6.1);
    ``envelope_tolerance_seconds`` bounds the signed ``webhook-timestamp``, both ways. While
    ``stage`` is onboarding only a rehearsal's players play there, and no real player's money moves.
    """

    code = models.SlugField(max_length=32, unique=True)
    name = models.CharField(max_length=128)
    protocol = models.CharField(max_length=16, choices=Protocol.choices)
    wallet_model = models.CharField(max_length=16, choices=WalletModel.choices)
    reporting_timezone = models.CharField(max_length=64, default="UTC")
    past_seconds = models.PositiveIntegerField("event accepted for (s)", default=172_800)
    future_seconds = models.PositiveIntegerField("clock ahead by at most (s)", default=300)
    envelope_tolerance_seconds = models.PositiveIntegerField(
        "signature accepted for (s)", default=300
    )
    retention_months = models.PositiveSmallIntegerField(default=12)
    settlement_hours = models.PositiveSmallIntegerField(default=48)
    export_url = models.URLField("round log export", blank=True)
    payload_url = models.URLField("payload by event id", blank=True)
    transfer_url = models.URLField("wallet transfers", blank=True)
    export_token = EncryptedTextField(blank=True)
    is_active = models.BooleanField(default=True)
    stage = models.CharField(
        max_length=16, choices=ProviderStage.choices, default=ProviderStage.LIVE
    )
    live_since = models.DateTimeField("live since", null=True, blank=True)

    history = history_records(excluded_fields=["export_token"])

    class Meta:
        permissions = [
            ("approve_provideraddress", "Can approve where money and questions are sent"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(stage__in=ProviderStage.values),
                name="providers_provider_stage_known",
            ),
            models.CheckConstraint(
                condition=Q(stage=ProviderStage.LIVE) | Q(live_since__isnull=True),
                name="providers_provider_live_since_only_when_live",
            ),
            models.CheckConstraint(
                condition=Q(protocol__in=Protocol.values), name="providers_provider_protocol_known"
            ),
            models.CheckConstraint(
                condition=Q(wallet_model__in=WalletModel.values),
                name="providers_provider_wallet_model_known",
            ),
            models.CheckConstraint(
                condition=Q(retention_months__gte=12),
                name="providers_provider_keeps_rounds_a_year",
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.name


class ProviderKey(models.Model):
    """A secret shared with a provider. Several may be active, so a key can be rotated in traffic.

    One of purpose callbacks verifies what the provider sends; one of purpose orders signs our
    transfer orders, and verifies nothing here. The secret is encrypted at rest and never shown
    again; ``kid`` is its public name. One that a person adds is proposed, and is used only once a
    second person has agreed; without ``added_by`` it came in on the command line.
    """

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="keys")
    kid = models.CharField("key id", max_length=32)
    secret = EncryptedTextField()
    purpose = models.CharField(
        max_length=16, choices=KeyPurpose.choices, default=KeyPurpose.CALLBACKS
    )
    state = models.CharField(max_length=16, choices=KeyState.choices, default=KeyState.ACTIVE)
    not_before = models.DateTimeField()
    not_after = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    approval = models.OneToOneField(
        "staff.Approval", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        permissions = [("approve_providerkey", "Can approve a webhook key")]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "kid"], name="providers_key_unique_per_provider"
            ),
            models.CheckConstraint(
                condition=Q(purpose__in=KeyPurpose.values), name="providers_key_purpose_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(state=KeyState.ACTIVE)
                | Q(added_by__isnull=True)
                | Q(approval__isnull=False),
                name="providers_key_in_use_agreed_by_two",
            ),
            models.CheckConstraint(
                condition=Q(not_after__isnull=True) | Q(not_after__gt=F("not_before")),
                name="providers_key_ends_after_it_starts",
            ),
        ]
        triggers = [pgtrigger.ReadOnly(name="has_one_purpose", fields=["purpose"])]

    @override
    def __str__(self) -> str:
        return f"{self.kid} ({self.state})"


class Game(models.Model):
    """A game of a provider's catalogue; its theoretical RTP is the provider's own statement."""

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="games")
    game_code = models.CharField(max_length=128)
    name = models.CharField(max_length=128)
    category = models.CharField(max_length=16, choices=GameCategory.choices)
    theoretical_rtp = models.DecimalField("theoretical RTP", max_digits=6, decimal_places=4)
    is_active = models.BooleanField(default=True)

    history = history_records()

    class Meta:
        permissions = [("withdraw_offer", "Can withdraw a game from a jurisdiction")]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "game_code"], name="providers_game_unique_per_provider"
            ),
            models.CheckConstraint(
                condition=Q(theoretical_rtp__gt=0) & Q(theoretical_rtp__lte=1),
                name="providers_game_rtp_is_a_share_of_the_stake",
            ),
            models.CheckConstraint(
                condition=Q(category__in=GameCategory.values),
                name="providers_game_category_is_known",
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.game_code


class GameOffer(models.Model):
    """A game is offered to players of a jurisdiction; each offer needs certificate cover."""

    game = models.ForeignKey(Game, on_delete=models.PROTECT, related_name="offers")
    jurisdiction = models.CharField(max_length=16)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["game", "jurisdiction"], name="providers_offer_once_per_jurisdiction"
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.game_id} in {self.jurisdiction}"
