from django.db import models


class KycStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    VERIFIED = "verified", "Verified"
    REJECTED = "rejected", "Rejected"


class PlayerStatus(models.TextChoices):
    ACTIVE = "active", "Active"
    BLOCKED = "blocked", "Blocked"
    SELF_EXCLUDED = "self_excluded", "Self-excluded"
    CLOSED = "closed", "Closed"


class Measure(models.TextChoices):
    """What a limit counts: minutes for time and between reality checks, else minor units."""

    DEPOSIT = "deposit", "Deposited"
    LOSS = "loss", "Lost"
    WAGER = "wager", "Wagered"
    TIME = "time", "Played"
    REALITY = "reality", "Between reality checks"


class Window(models.TextChoices):
    """The trailing period a limit counts over (docs/decisions/player-protection.md)."""

    DAY = "24h", "24 hours"
    WEEK = "7d", "7 days"
    MONTH = "1m", "1 month"


class LimitKind(models.TextChoices):
    """A measure and a window. A wager limit counts stakes placed in the trailing period.

    A player's own time between reality checks is asked for, shortened and lengthened like a limit,
    but it has no window and nothing of it is used up.
    """

    DEPOSIT_24H = "deposit_24h", "Deposited in 24 hours"
    DEPOSIT_7D = "deposit_7d", "Deposited in 7 days"
    DEPOSIT_1M = "deposit_1m", "Deposited in 1 month"
    LOSS_24H = "loss_24h", "Lost in 24 hours"
    LOSS_7D = "loss_7d", "Lost in 7 days"
    LOSS_1M = "loss_1m", "Lost in 1 month"
    WAGER_24H = "wager_24h", "Wagered in 24 hours"
    WAGER_7D = "wager_7d", "Wagered in 7 days"
    WAGER_1M = "wager_1m", "Wagered in 1 month"
    TIME_24H = "time_24h", "Played in 24 hours"
    TIME_7D = "time_7d", "Played in 7 days"
    TIME_1M = "time_1m", "Played in 1 month"
    REALITY_CHECK = "reality_check", "Between reality checks"

    @property
    def measure(self) -> Measure:
        return Measure(self.value.partition("_")[0])

    @property
    def window(self) -> Window:
        return Window(self.value.partition("_")[2])

    @property
    def is_in_minutes(self) -> bool:
        return self.measure in {Measure.TIME, Measure.REALITY}

    @property
    def is_used_up(self) -> bool:
        return self.measure != Measure.REALITY


MINUTE_KINDS = tuple(kind.value for kind in LimitKind if kind.is_in_minutes)


class Source(models.TextChoices):
    """Who asked for a limit or an exclusion. Limits of different sources stand side by side."""

    PLAYER = "player", "The player"
    STAFF = "staff", "Our staff"
    OPERATOR = "operator", "The operator's system"
    REGISTER = "register", "A national register"


class ExclusionKind(models.TextChoices):
    SELF_EXCLUSION = "self_exclusion", "Self-exclusion"
    TIME_OUT = "time_out", "Time-out"
    CLOSURE = "closure", "Account closure"


class Ending(models.TextChoices):
    """How an exclusion may end. None is ever shortened."""

    LAPSES = "lapses", "By itself, at its end"
    ON_REQUEST = "on_request", "On request after its earliest end, and a cooling-off"
    NEVER = "never", "Never"


class CheckKind(models.TextChoices):
    LAUNCH = "launch", "Launch"
    DEPOSIT = "deposit", "Deposit"


class RealityCheckStep(models.TextChoices):
    SHOWN = "shown", "Shown"
    CONTINUED = "continued", "Acknowledged, plays on"
    STOPPED = "stopped", "Acknowledged, stopped"


REALITY_CHECK_ANSWERS = (RealityCheckStep.CONTINUED.value, RealityCheckStep.STOPPED.value)


class RuleKind(models.TextChoices):
    """What a jurisdiction's rule decides; the value's unit follows from the kind."""

    LIMIT_INCREASE_DELAY = "limit_increase_delay", "A limit is raised after (hours)"
    REMOVAL_DELAY = "removal_delay", "Cooling-off after ending a dated exclusion (hours)"
    REMOVAL_DELAY_INDEFINITE = (
        "removal_delay_indefinite",
        "Cooling-off after ending an indefinite exclusion (hours)",
    )
    SELF_EXCLUSION_MINIMUM = "self_exclusion_minimum", "Shortest self-exclusion (days)"
    NEVER_REOPENED = "never_reopened", "A closed or excluded account is never reopened"
    STAKE_CAP = "stake_cap", "Largest stake per game cycle (minor units)"
    REALITY_CHECK = "reality_check", "A reality check is shown every (minutes)"
    REALITY_CHECK_GRACE = (
        "reality_check_grace",
        "No new stakes while a reality check is not acknowledged for (minutes)",
    )
    LIMIT_REVIEW = "limit_review", "The operator's site reminds of limits every (days)"
    MINIMUM_AGE = "minimum_age", "Play and deposits from the age of (years)"
    AGE_PROOF = "age_proof", "Nobody of unknown age plays or pays in"
    IDENTITY_BEFORE_LAUNCH = "identity_before_launch", "Identity is verified before the first game"
    IDENTITY_BEFORE_DEPOSIT = (
        "identity_before_deposit",
        "Identity is verified before the first deposit",
    )
    PRODUCT_PROHIBITED = "product_prohibited", "The product must not be offered"
    RTP_FLOOR = "rtp_floor", "Lowest theoretical RTP (basis points)"


class Evidence(models.TextChoices):
    """How well a rule is known: read at its source, in somebody else's words, or from memory."""

    READ = "read", "Read at the source once"
    SECOND_HAND = "second_hand", "Second-hand"
    REMEMBERED = "remembered", "Remembered, not yet checked"
    HOUSE = "house", "Our own choice"


class RecordKind(models.TextChoices):
    """What is recorded to prove that players were protected."""

    CHECK = "check", "Check at a launch or deposit"
    EXCLUSION = "exclusion", "Exclusion"
    END = "end", "End of an exclusion"
    LIMIT = "limit", "Limit change"
    REALITY_CHECK = "reality_check", "Reality check"
    CLOSURE = "closure", "Closure"
    MOVE = "move", "Move to another jurisdiction"
