from apps.core.errors import DomainError


class PlayerMismatchError(DomainError):
    """A loaded player contradicts the one we hold (currency never changes)."""

    code = "player_mismatch"


class RehearsalPlaceError(DomainError):
    """Nobody lives in the rehearsals' jurisdiction: nothing real is of it, nor moves there."""

    code = "rehearsal_place"

    def __init__(self, place: str) -> None:
        super().__init__(
            f"{place} is for rehearsals: nobody lives there, and nothing real is of it or moves "
            "from or to it."
        )


class UnknownPlayerError(DomainError):
    """No player carries this reference."""

    code = "unknown_player"
    concerns = "player_ref"


class LimitAmountError(DomainError):
    """Money needs an amount in minor units, time needs minutes, and neither less than is said."""

    code = "limit_amount"
    concerns = "amount"


class LimitUnchangedError(DomainError):
    """The limit asked for is already in force, and nothing waits to change it."""

    code = "limit_unchanged"


class NoPendingLimitError(DomainError):
    """No change of such a limit waits, so there is nothing to cancel."""

    code = "no_pending_limit"


class NoSuchLimitError(DomainError):
    """There is no limit of this kind and source in force to be removed."""

    code = "no_such_limit"


class ExclusionPeriodError(DomainError):
    """An exclusion ends after it starts, and a time-out has an end."""

    code = "exclusion_period"
    concerns = "ends_at"


class ExclusionTooShortError(DomainError):
    """The jurisdiction asks for a longer self-exclusion."""

    code = "exclusion_too_short"
    concerns = "ends_at"


class NoExclusionError(DomainError):
    """No such exclusion is in force."""

    code = "no_exclusion"


class ExclusionNotOverError(DomainError):
    """An exclusion is never shortened."""

    code = "exclusion_not_over"


class ExclusionIsForeverError(DomainError):
    """The jurisdiction's rule says that the account is never reopened."""

    code = "exclusion_is_forever"


class ExclusionAlreadyEndedError(DomainError):
    """The end of the exclusion was asked for before and waits for its moment."""

    code = "exclusion_already_ended"


class ProtectedStandingError(DomainError):
    """A player with an exclusion in force can't be made active from outside."""

    code = "protected_standing"


class RealityCheckError(DomainError):
    """A reality check is acknowledged after it was shown."""

    code = "reality_check"


class UnknownRealityCheckError(DomainError):
    """The session has no such reality check."""

    code = "unknown_reality_check"


class RealityCheckAnsweredError(DomainError):
    """The reality check was answered before, and otherwise."""

    code = "reality_check_answered"


class UnknownRuleError(DomainError):
    """There is no rule of this id in the catalogue."""

    code = "unknown_rule"
    concerns = "rule_id"


class RuleCheckDateError(DomainError):
    """A rule is checked on a day that has come."""

    code = "rule_check_date"
    concerns = "checked_on"


class StandingUnchangedError(DomainError):
    """The player's standing is what was asked for already."""

    code = "standing_unchanged"
