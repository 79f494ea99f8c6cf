"""What clients send."""

from typing import Any, override

from rest_framework import serializers

from apps.operator_api.api import fields
from apps.operator_api.enums import TransferDirection
from apps.players.enums import (
    MINUTE_KINDS,
    REALITY_CHECK_ANSWERS,
    ExclusionKind,
    KycStatus,
    LimitKind,
    PlayerStatus,
    RealityCheckStep,
)

REALITY_CHECK_CHOICES = [(step, RealityCheckStep(step).label) for step in REALITY_CHECK_ANSWERS]


class OpenSessionRequest(fields.Strict):
    player_id = fields.Text(pattern=fields.REF, max_length=128)
    provider = fields.Text(pattern=fields.CODE, max_length=32)
    game = fields.Text(pattern=fields.REF, max_length=128)
    fund = fields.Text(
        pattern=fields.AMOUNT,
        max_length=20,
        required=False,
        help_text="So much of the player's cash goes into the sub-wallet for this provider, in "
        "main units of the player's currency, together with the session or not at all. Needs an "
        "Idempotency-Key, the scope transfers:write, and a provider played from a sub-wallet.",
    )


class RefreshSessionRequest(fields.Strict):
    refresh_credential = fields.Text(max_length=128)


class ShowRealityCheckRequest(fields.Strict):
    """Nothing is sent: the figures are ours and the moment is now."""


class AnswerRealityCheckRequest(fields.Strict):
    answer = fields.Choice(choices=REALITY_CHECK_CHOICES)


class TransferRequest(fields.Strict):
    player_id = fields.Text(pattern=fields.REF, max_length=128)
    kind = fields.Choice(choices=TransferDirection.choices)
    amount = fields.Text(
        pattern=fields.AMOUNT,
        max_length=20,
        help_text="Main units as a decimal string, with no more decimals than the currency has.",
    )
    currency = fields.Text(pattern=fields.CURRENCY, max_length=3)
    reference = fields.Text(
        max_length=120,
        required=False,
        default="",
        allow_blank=True,
        help_text="Your own number of this payment; it stands in the ledger line.",
    )
    provider = fields.Text(
        pattern=fields.CODE,
        max_length=32,
        required=False,
        help_text="With to_game and from_game, and only with them.",
    )

    @override
    def validate(self, attrs: Any) -> Any:
        is_for_game = attrs["kind"] in {TransferDirection.TO_GAME, TransferDirection.FROM_GAME}
        if is_for_game != ("provider" in attrs):
            raise serializers.ValidationError({"provider": ["Goes with games only."]}, "mismatch")
        return attrs


class CashOutRequest(fields.Strict):
    player_id = fields.Text(pattern=fields.REF, max_length=128)
    provider = fields.Text(pattern=fields.CODE, max_length=32)
    reference = fields.Text(max_length=120, required=False, default="", allow_blank=True)


class BalanceAtProviderQuery(fields.Strict):
    provider = fields.Text(pattern=fields.CODE, max_length=32)


class LimitRequest(fields.Strict):
    """A limit by amount, or by minutes for time played and reality checks; neither removes it."""

    kind = fields.Choice(choices=LimitKind.choices)
    amount = fields.Text(
        pattern=fields.AMOUNT, max_length=20, required=False, allow_null=True, default=None
    )
    minutes = fields.Whole(
        min_value=0, max_value=1_000_000, required=False, allow_null=True, default=None
    )

    @override
    def validate(self, attrs: Any) -> Any:
        other = "amount" if attrs["kind"] in MINUTE_KINDS else "minutes"
        if attrs[other] is not None:
            raise serializers.ValidationError({other: ["Doesn't go with this kind."]}, "mismatch")
        return attrs


class ExclusionRequest(fields.Strict):
    kind = fields.Choice(choices=ExclusionKind.choices)
    ends_at = fields.Moment(required=False, allow_null=True, default=None)


class PlayerRequest(fields.Strict):
    currency = fields.Text(pattern=fields.CURRENCY, max_length=3)
    jurisdiction = fields.Text(pattern=fields.JURISDICTION, max_length=7)
    kyc_status = fields.Choice(choices=KycStatus.choices)
    status = fields.Choice(
        choices=[
            (status.value, status.label) for status in (PlayerStatus.ACTIVE, PlayerStatus.BLOCKED)
        ],
        required=False,
        allow_null=True,
        default=None,
        help_text="Self-exclusion and closure are an exclusion. What staff did stays as it is.",
    )
    date_of_birth = fields.Day(required=False, allow_null=True, default=None)
    limits = serializers.ListField(
        child=LimitRequest(), required=False, default=list, max_length=50
    )
    exclusion = ExclusionRequest(required=False, allow_null=True, default=None)

    def validate_limits(self, limits: Any) -> Any:
        """Refuse two words on one limit: each would take the other back, at every repeat anew."""
        kinds = [limit["kind"] for limit in limits]
        if len(set(kinds)) < len(kinds):
            raise serializers.ValidationError(["State each kind of limit once."], "repeated")
        return limits


class DocumentRequest(fields.Strict):
    document = serializers.FileField(help_text="One PDF of at most 10 MiB.")


class CanServeQuery(fields.Strict):
    game = fields.Text(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,31}:[A-Za-z0-9_.:~-]{1,128}\Z",
        max_length=161,
        help_text="provider:game, such as aurora:aurora-reef",
    )
    jurisdiction = fields.Text(pattern=fields.JURISDICTION, max_length=7)
    build = fields.Text(
        required=False,
        max_length=64,
        pattern=r"^[\x21-\x7e]{1,64}\Z",
        help_text="A build's version; what is deployed, when it is not given.",
    )
    variant = fields.Text(
        required=False,
        max_length=64,
        pattern=r"^[\x21-\x7e]{1,64}\Z",
        help_text="An RTP variant's code; what is deployed, when it is not given.",
    )
    at = fields.Moment(required=False, help_text="Now, when it is not given.")


class MeasuredFileRequest(fields.Strict):
    game_code = fields.Text(pattern=fields.REF, max_length=128)
    build_version = fields.Text(max_length=64, required=False, default="", allow_blank=True)
    path = fields.Text(max_length=255)
    algorithm = fields.Choice(
        choices=[("sha1", "SHA-1"), ("sha256", "SHA-256"), ("crc16", "CRC16")]
    )
    seed = fields.Text(
        max_length=8,
        required=False,
        default="",
        allow_blank=True,
        help_text="Hex; with crc16, and only with it.",
    )
    digest = fields.Text(max_length=64, help_text="Hex.")


class DigestReportRequest(fields.Strict):
    """What a game server measured; a body holds some 300 files, more come in several reports."""

    provider = fields.Text(pattern=fields.CODE, max_length=32)
    report_id = fields.Text(
        pattern=r"^[A-Za-z0-9_.:-]{1,128}\Z",
        max_length=128,
        help_text="Your own name for this report; its repeat changes nothing.",
    )
    measured_at = fields.Moment()
    files = MeasuredFileRequest(many=True, allow_empty=False)
