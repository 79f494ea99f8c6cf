"""How rows of this app are locked: after the players' wallets, where a path takes both."""

from datetime import datetime

from django.db import connection

from apps.bonuses.enums import GrantState
from apps.bonuses.errors import UnknownGrantError, UnknownRuleError
from apps.bonuses.models import BonusRule, Grant


def lock_granting(idempotency_key: str, player_id: int) -> None:
    """Serialise grants that share a key or a player until the transaction ends.

    There is no row yet to lock. The key comes first everywhere, so two grants can't wait for each
    other in a circle.
    """
    with connection.cursor() as cursor:
        for name in (f"bonuses.grant.key:{idempotency_key}", f"bonuses.grant.player:{player_id}"):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def lock_rule_code(code: str) -> None:
    """Serialise making and activating versions of one rule until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"bonuses.rule:{code}"]
        )


def lock_rule(rule_id: int) -> BonusRule:
    """Lock one rule version.

    Raises:
        UnknownRuleError: there is none with this id.
    """
    rule = BonusRule.objects.select_for_update().filter(pk=rule_id).first()
    if rule is None:
        raise UnknownRuleError(rule_id)
    return rule


def lock_grant(grant_id: int) -> Grant:
    """Lock one grant.

    Raises:
        UnknownGrantError: there is none with this id.
    """
    grant = Grant.objects.select_for_update().filter(pk=grant_id).first()
    if grant is None:
        raise UnknownGrantError(grant_id)
    return grant


def due_grant_ids(now: datetime, *, limit: int) -> list[int]:
    """Return active grants whose time is over, oldest first; not locked, so check again."""
    due = Grant.objects.filter(state=GrantState.ACTIVE, expires_at__lte=now)
    return list(due.order_by("expires_at", "pk").values_list("pk", flat=True)[:limit])
