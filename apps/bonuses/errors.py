from decimal import Decimal

from apps.core.errors import DomainError


class UnknownRuleError(DomainError):
    code = "unknown_bonus_rule"

    def __init__(self, rule: object) -> None:
        super().__init__(f"There is no bonus rule {rule}.")


class RuleNotActiveError(DomainError):
    code = "bonus_rule_not_active"
    concerns = "rule_code"

    def __init__(self, rule_code: str) -> None:
        super().__init__(f"Bonus rule {rule_code} has no active version.")


class RuleNotDraftError(DomainError):
    """The terms of a rule that left the draft are frozen; a change is a new version."""

    code = "bonus_rule_not_draft"

    def __init__(self, rule: object) -> None:
        super().__init__(f"{rule} is not a draft any more: start a new version to change it.")


class RuleTermsError(DomainError):
    """A term is missing, negative, or contradicts another one."""

    code = "bonus_rule_terms"

    def __init__(self, why: str, concerns: str = "") -> None:
        super().__init__(why)
        self.concerns = concerns


class RuleChangedError(DomainError):
    """The rule is not what the second person was asked to approve."""

    code = "bonus_rule_changed"

    def __init__(self, rule: object) -> None:
        super().__init__(f"{rule} was changed after approval was asked for: ask again.")


class RequirementTooHighError(DomainError):
    """The turnover asked for is more than the player's jurisdiction allows."""

    code = "requirement_above_jurisdiction_cap"
    concerns = "requirement_multiple"

    def __init__(self, jurisdiction: str, cap: Decimal, citation: str) -> None:
        super().__init__(
            f"In {jurisdiction} the wagering requirement may be at most {cap} times the bonus "
            f"({citation})."
        )


class PlayerNotEligibleError(DomainError):
    """The player's status does not allow a bonus (blocked, self-excluded or closed)."""

    code = "player_not_eligible"
    concerns = "player_ref"

    def __init__(self, player_ref: str, status: str) -> None:
        super().__init__(f"Player {player_ref} is {status.replace('_', ' ')}: no bonus.")


class IdentityNotVerifiedError(DomainError):
    code = "identity_not_verified"
    concerns = "player_ref"

    def __init__(self, player_ref: str) -> None:
        super().__init__(f"Player {player_ref} must be verified before this bonus.")


class WrongJurisdictionError(DomainError):
    code = "bonus_wrong_jurisdiction"
    concerns = "rule_code"

    def __init__(self, player_jurisdiction: str, rule_jurisdiction: str) -> None:
        super().__init__(
            f"The rule is for players of {rule_jurisdiction}; this player is of "
            f"{player_jurisdiction}."
        )


class WrongCurrencyError(DomainError):
    code = "bonus_wrong_currency"
    concerns = "rule_code"

    def __init__(self, player_currency: str, rule_currency: str) -> None:
        super().__init__(
            f"The rule is in {rule_currency}; the player's money is {player_currency}."
        )


class DepositTooSmallError(DomainError):
    """The deposit is not positive, or too small to give one minor unit of bonus or turnover."""

    code = "deposit_too_small"
    concerns = "deposit"

    def __init__(self) -> None:
        super().__init__("The deposit is too small to give a bonus under this rule.")


class DepositTooLargeError(DomainError):
    """The requirement would not fit the ledger's whole numbers."""

    code = "deposit_too_large"
    concerns = "deposit"

    def __init__(self) -> None:
        super().__init__("The deposit is too large for a bonus under this rule.")


class ActiveGrantExistsError(DomainError):
    code = "active_grant_exists"
    concerns = "player_ref"

    def __init__(self, player_ref: str) -> None:
        super().__init__(f"Player {player_ref} already has an active bonus.")


class GrantKeyConflictError(DomainError):
    """The idempotency key was used for another grant."""

    code = "idempotency_conflict"

    def __init__(self, idempotency_key: str) -> None:
        super().__init__(f"The key {idempotency_key!r:.80} was used for a different grant.")


class UnknownGrantError(DomainError):
    code = "unknown_grant"

    def __init__(self, grant_id: int) -> None:
        super().__init__(f"There is no grant {grant_id}.")


class GrantClosedError(DomainError):
    code = "grant_closed"

    def __init__(self, grant_id: int, state: str) -> None:
        super().__init__(f"Grant {grant_id} is {state}: nothing is left to forfeit.")


class SignedOutError(DomainError):
    """Only a signed-in member of staff may write this."""

    code = "signed_out"

    def __init__(self) -> None:
        super().__init__("Sign in first.")
