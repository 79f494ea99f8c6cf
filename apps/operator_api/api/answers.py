"""What clients are answered. The serializers write the answers, so the schema can't drift."""

from rest_framework import serializers

from apps.operator_api.api import fields


class ProblemErrorAnswer(serializers.Serializer[object]):
    field = serializers.CharField(help_text="Path of the field; empty for the whole request.")
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemAnswer(serializers.Serializer[object]):
    """Every refusal: a stable code for machines, a sentence for people, what is behind it."""

    code = serializers.CharField()
    detail = serializers.CharField()
    errors = ProblemErrorAnswer(many=True)  # type: ignore[assignment] # a field, as declared fields are


class DraftFieldAnswer(serializers.Serializer[object]):
    name = serializers.CharField()
    value = serializers.CharField(help_text="As read from the document; lists joined by ;")


class DraftRemarkAnswer(serializers.Serializer[object]):
    code = serializers.CharField()
    text = serializers.CharField()


class DraftAnswer(serializers.Serializer[object]):
    """A document that waits for a person's review; it covers nothing."""

    draft_id = serializers.IntegerField()
    state = serializers.CharField()
    sha256 = serializers.CharField()
    signature = serializers.CharField()
    read = DraftFieldAnswer(many=True)
    remarks = DraftRemarkAnswer(many=True)


class SupportLinkAnswer(serializers.Serializer[object]):
    name = serializers.CharField()
    phone = serializers.CharField()
    url = serializers.CharField()


class LaunchRefusedAnswer(ProblemAnswer):
    """Every rule that speaks against the launch, and where the player finds help."""

    support_links = SupportLinkAnswer(many=True, required=False)


class RealityCheckClockAnswer(serializers.Serializer[object]):
    """When the next reality check is due; null where no rule asks for one."""

    due_at = fields.Moment(allow_null=True)
    acknowledge_by = fields.Moment(
        allow_null=True, help_text="From then on no new stake until one is acknowledged."
    )


class RealityCheckAnswer(serializers.Serializer[object]):
    """A reality check with the figures that the player was shown, and the answer."""

    check_id = serializers.IntegerField()
    shown_at = fields.Moment()
    minutes_played = serializers.IntegerField()
    currency = serializers.CharField()
    staked = serializers.CharField()
    won = serializers.CharField()
    net = serializers.CharField(help_text="Won less staked; negative where the player lost.")
    answer = serializers.CharField(
        allow_blank=True, help_text="continued or stopped; empty while it waits."
    )
    answered_at = fields.Moment(allow_null=True)


class RealityCheckAnsweredAnswer(RealityCheckAnswer):
    session_ended = serializers.BooleanField()
    next = RealityCheckClockAnswer()


class RealityCheckStateAnswer(serializers.Serializer[object]):
    """How a session stands: what to show when a check is due, and the one that waits."""

    is_due = serializers.BooleanField()
    due_at = fields.Moment(allow_null=True)
    acknowledge_by = fields.Moment(allow_null=True)
    stakes_paused = serializers.BooleanField(
        help_text="A check is overdue: no new stake until one is acknowledged."
    )
    session_ended = serializers.BooleanField()
    playing_since = fields.Moment(
        help_text="Of this session, or of one before it without a break of 15 minutes."
    )
    minutes_played = serializers.IntegerField()
    currency = serializers.CharField()
    staked = serializers.CharField()
    won = serializers.CharField()
    net = serializers.CharField(help_text="Won less staked; negative where the player lost.")
    waiting = RealityCheckAnswer(
        allow_null=True, help_text="The check that was shown and is not answered."
    )


class RefreshedAnswer(serializers.Serializer[object]):
    token = serializers.CharField()
    token_expires_at = fields.Moment()
    refresh_credential = serializers.CharField(help_text="The next one; the old one is used up.")
    reality_check = RealityCheckClockAnswer()


class PotAnswer(serializers.Serializer[object]):
    pot = serializers.CharField()
    amount = serializers.CharField()


class BalanceAnswer(serializers.Serializer[object]):
    player_id = serializers.CharField()
    currency = serializers.CharField()
    playable = serializers.CharField(help_text="Cash and bonus funds.")
    pots = PotAnswer(many=True)


class TransferAnswer(serializers.Serializer[object]):
    transfer_id = serializers.CharField()
    state = serializers.CharField(
        help_text="posted, or requested where the provider has yet to answer."
    )
    player_id = serializers.CharField()
    kind = serializers.CharField()
    amount = serializers.CharField()
    currency = serializers.CharField()
    reference = serializers.CharField(allow_blank=True)
    posted_at = fields.Moment()
    balance = BalanceAnswer()


class SessionAnswer(serializers.Serializer[object]):
    session_id = serializers.UUIDField(help_text="The id that the provider knows the session by.")
    launch_url = serializers.CharField(help_text="Works once, until launch_expires_at.")
    launch_expires_at = fields.Moment()
    token = serializers.CharField(help_text="Gameplay JWT, signed with a key of the JWKS.")
    token_expires_at = fields.Moment()
    refresh_credential = serializers.CharField(help_text="Works once; keep it on your server.")
    stakes_until = fields.Moment()
    funding = TransferAnswer(
        allow_null=True,
        help_text="What moved for it; null where nothing was asked for. A repeat tells what moved "
        "the first time.",
    )
    reality_check = RealityCheckClockAnswer()
    support_links = SupportLinkAnswer(many=True)


class TransferStateAnswer(serializers.Serializer[object]):
    """A transfer to or from a provider's own wallet, as it stands now."""

    transfer_id = serializers.UUIDField()
    state = serializers.CharField(
        help_text="requested, unresolved (asked; its answer is not known), confirmed or failed."
    )
    player_id = serializers.CharField()
    provider = serializers.CharField()
    kind = serializers.CharField()
    amount = serializers.CharField()
    currency = serializers.CharField()
    code = serializers.CharField(allow_blank=True, help_text="The provider's own, of its answer.")
    requested_at = fields.Moment()
    decided_at = fields.Moment(allow_null=True)


class BalanceAtProviderAnswer(serializers.Serializer[object]):
    """What the provider says that the player has there, beside what we have booked."""

    player_id = serializers.CharField()
    provider = serializers.CharField()
    currency = serializers.CharField()
    theirs = serializers.CharField()
    ours = serializers.CharField()
    difference = serializers.CharField(
        help_text="Theirs less ours. Money on its way is in neither, or in theirs."
    )
    asked_at = fields.Moment()


class BonusAnswer(serializers.Serializer[object]):
    bonus_id = serializers.IntegerField()
    state = serializers.CharField()
    currency = serializers.CharField()
    required = serializers.CharField()  # type: ignore[assignment] # a field, as declared fields are
    done = serializers.CharField()
    remaining = serializers.CharField()
    percent_done = serializers.CharField(help_text="Rounded down: 100.00 only when all is done.")
    requirement = serializers.CharField(help_text="The sum behind it, in a sentence.")


class BonusesAnswer(serializers.Serializer[object]):
    player_id = serializers.CharField()
    bonuses = BonusAnswer(many=True)


class EligibilityReasonAnswer(serializers.Serializer[object]):
    code = serializers.CharField()
    text = serializers.CharField()
    blocks = serializers.BooleanField(help_text="Must be resolved before a withdrawal.")
    value = serializers.CharField()
    resolve_at = serializers.CharField()


class EligibilityAnswer(serializers.Serializer[object]):
    player_id = serializers.CharField()
    eligible = serializers.BooleanField()
    withdrawable = serializers.CharField()
    currency = serializers.CharField()
    reasons = EligibilityReasonAnswer(many=True)


class PlayerAnswer(serializers.Serializer[object]):
    player_id = serializers.CharField()
    currency = serializers.CharField()
    jurisdiction = serializers.CharField()
    kyc_status = serializers.CharField()
    status = serializers.CharField()
    may_play = serializers.BooleanField()
    support_links = SupportLinkAnswer(many=True)


class ReasonAnswer(serializers.Serializer[object]):
    code = serializers.CharField()
    text = serializers.CharField()


class CertificateAnswer(serializers.Serializer[object]):
    lab = serializers.CharField()
    report_number = serializers.CharField()
    revision = serializers.IntegerField()
    expires_on = fields.Day(allow_null=True)


class GateReasonAnswer(ReasonAnswer):
    rule = serializers.CharField(
        allow_blank=True, help_text="Id of the regulator's rule, where it is one."
    )


class OverrideAnswer(serializers.Serializer[object]):
    id = serializers.IntegerField()
    ends_at = fields.Moment()


class CanServeAnswer(serializers.Serializer[object]):
    allowed = serializers.BooleanField()
    at = fields.Moment()
    builds = serializers.ListField(
        child=serializers.CharField(),
        help_text="What runs, or was asked about; more than one where channels differ.",
    )
    variants = serializers.ListField(child=serializers.CharField())
    reasons = GateReasonAnswer(many=True)
    remarks = GateReasonAnswer(
        many=True, help_text="What to know of the proof, or what an override stands in for."
    )
    certificate = CertificateAnswer(allow_null=True)
    override = OverrideAnswer(
        allow_null=True, help_text="Set where two people allowed it without proof."
    )


class AttemptAnswer(serializers.Serializer[object]):
    received_at = fields.Moment()
    message_id = serializers.CharField()
    status = serializers.CharField()
    code = serializers.CharField()
    http_status = serializers.IntegerField(allow_null=True)
    body = serializers.CharField(
        help_text="This event of the delivery, formatted, session credentials masked. Empty where "
        "it can't be told from the rest."
    )
    delivery_sha256 = serializers.CharField(help_text="Of the whole delivery, as it came.")


class LedgerLineAnswer(serializers.Serializer[object]):
    transfer_id = serializers.CharField()
    kind = serializers.CharField()
    debit = serializers.CharField()
    credit = serializers.CharField()
    amount = serializers.CharField()
    currency = serializers.CharField()
    posted_at = fields.Moment()


class RoundEventAnswer(serializers.Serializer[object]):
    provider = serializers.CharField()
    event_id = serializers.CharField()
    round_id = serializers.CharField()
    player_id = serializers.CharField()
    game = serializers.CharField()
    kind = serializers.CharField()
    bet = serializers.CharField()
    win = serializers.CharField()
    currency = serializers.CharField()
    occurred_at = fields.Moment()
    received_at = fields.Moment()
    status = serializers.CharField()
    code = serializers.CharField()
    money = serializers.CharField(help_text="What the event's money is doing now.")
    attempt_count = serializers.IntegerField(help_text="How often the event came.")
    attempts = AttemptAnswer(many=True, help_text="The newest 20, oldest of them first.")
    ledger_lines = LedgerLineAnswer(many=True)
    certificate = CertificateAnswer(
        allow_null=True,
        help_text="In force for the player's jurisdiction when the round was opened.",
    )


class DigestReportAnswer(serializers.Serializer[object]):
    report_id = serializers.IntegerField()
    provider = serializers.CharField()
    is_new = serializers.BooleanField()
    lines = serializers.IntegerField()
    matches = serializers.IntegerField()
    mismatches = serializers.IntegerField()
    unknown = serializers.IntegerField(help_text="No report in force names the file.")
    missing = serializers.IntegerField(help_text="Certified files that were not reported.")
