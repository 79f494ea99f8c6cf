"""The bonus of the acceptance kit, where two people have approved its rule."""

import secrets
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db import transaction

from apps.bonuses.contracts import RuleTerms, WeightTable
from apps.bonuses.enums import RequirementBasis
from apps.bonuses.selectors import active_rule, progress_of_player
from apps.bonuses.services.grants import grant_bonus
from apps.bonuses.services.rules import create_rule, request_activation
from apps.simulator.acceptance.scenario import NotProvenError
from apps.staff.services import approve
from apps.staff.services.approvals import Person

RULE: Final = "acceptance"
REASON: Final = "For the acceptance kit's own players."
MAX_BET_MINOR: Final = 500
TERMS: Final = RuleTerms(
    code=RULE,
    name="Acceptance kit",
    currency="EUR",
    percent_bp=10_000,
    basis=RequirementBasis.BONUS,
    requirement_multiple=Decimal(10),
    expires_after_days=1,
    jurisdiction="ZZ",
    max_bet_minor=MAX_BET_MINOR,
)
"""100 % of the deposit, ten times the bonus, at most 5.00 a round; for the kit's players only."""
WEIGHTS: Final = WeightTable(categories={"slot": 10_000})


@transaction.atomic
def request_rule(*, author: Person, now: datetime) -> int | None:
    """Write the kit's rule and ask for its approval; None where one is in force.

    Returns the approval's id. What was asked before and not decided stays beside it, and the
    first that is approved is in force.
    """
    if active_rule(RULE) is not None:
        return None
    rule = create_rule(TERMS, WEIGHTS, acting_user=author, now=now)
    return request_activation(rule_id=rule.pk, acting_user=author, reason=REASON, now=now)


def put_rule_in_force(*, author: Person, approver: Person, now: datetime) -> None:
    """Have one person write the kit's rule and another approve it, once.

    Raises:
        DomainError: one of them may not do it, or both are the same.
    """
    approval_id = request_rule(author=author, now=now)
    if approval_id is not None:
        approve(approval_id=approval_id, user=approver, reason=REASON, now=now)


class BonusDesk:
    """Grants the kit's bonus. Its rule needs two people, so the kit can't make it by itself."""

    def require_rule(self) -> None:
        """Stop the scenario where nobody has approved the rule.

        Raises:
            NotProvenError: there is no active rule of the kit.
        """
        if active_rule(RULE) is None:
            raise NotProvenError(
                f"it needs the bonus rule {RULE!r}, which two people put in force: "
                "manage.py acceptance --request-rule USER"
            )

    def grant(self, player_id: int, deposit_minor: int, *, now: datetime) -> None:
        self.require_rule()
        grant_bonus(
            player_id=player_id,
            rule_code=RULE,
            deposit_minor=deposit_minor,
            acting_user=None,
            idempotency_key=f"acceptance:{secrets.token_hex(12)}",
            now=now,
        )

    def wagered_minor(self, player_id: int) -> int:
        return sum(progress.done_minor for progress in progress_of_player(player_id))
