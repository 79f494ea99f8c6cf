"""Noting that somebody compared a rule or a support link with its source."""

from datetime import UTC, date, datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from apps.core.services import record_audit
from apps.players import rules
from apps.players.errors import RuleCheckDateError, UnknownRuleError
from apps.players.models import RuleCheck


@transaction.atomic
def record_rule_check(
    rule_id: str, *, checked_on: date, actor: AbstractBaseUser, note: str, now: datetime
) -> RuleCheck:
    """Note that the rule was found to hold on a day, by whom, and what was compared.

    A rule that changed is changed in the catalogue's data, with its new date.

    Raises:
        UnknownRuleError: neither a rule nor a support link has this id.
        RuleCheckDateError: the day has not come.
    """
    known = {rule.id for rule in rules.all_rules()} | {r.id for r in rules.all_support_links()}
    if rule_id not in known:
        raise UnknownRuleError(f"There is no rule or support link {rule_id!r:.60}.")
    if checked_on > now.astimezone(UTC).date():
        raise RuleCheckDateError("A check is noted on the day it was made, or later.")
    check = RuleCheck.objects.create(
        rule_id=rule_id,
        checked_on=checked_on,
        checked_by=actor.get_username(),
        note=note,
        created_at=now,
    )
    record_audit(
        action="players.rule.checked",
        actor=actor,
        subject=f"players.rule:{rule_id}",
        details={"checked_on": checked_on.isoformat()},
        reason=note,
        now=now,
    )
    return check
