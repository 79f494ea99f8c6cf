"""Rows that the bonus tests stand on."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from apps.bonuses.contracts import RuleTerms, WeightTable
from apps.bonuses.models import BonusRule, Grant
from apps.bonuses.services.grants import grant_bonus
from apps.bonuses.services.rules import create_rule, request_activation
from apps.players.models import Player
from apps.staff.models import User
from apps.staff.services import approve
from apps.wallet.models import Account
from apps.wallet.services.ledger import open_accounts
from tests.factories import make_user

NOW = datetime(2026, 11, 18, 10, tzinfo=UTC)
WEIGHTS = WeightTable(
    games={"aurora-blackjack-01": 0},
    categories={"slot": 10_000, "roulette": 1_000, "blackjack": 500},
)
WELCOME = RuleTerms(
    code="welcome-200",
    name="Welcome 200 %",
    currency="AUD",
    percent_bp=20_000,
    basis="deposit_and_bonus",
    requirement_multiple=Decimal("40.00"),
    expires_after_days=30,
    max_bet_minor=500,
)

_numbers = itertools.count(1)


def make_player(**fields: Any) -> Player:
    """Make an active, verified player of MT with AUD accounts, unless told otherwise."""
    number = next(_numbers)
    player = Player.objects.create(
        **{
            "player_ref": f"bonus-p-{number}",
            "currency": "AUD",
            "jurisdiction": "MT",
            "kyc_status": "verified",
            "status": "active",
            "created_at": NOW,
            **fields,
        }
    )
    open_accounts([(player.pk, player.currency)])
    return player


def make_approver() -> User:
    return make_user(permissions=("bonuses.approve_rule", "bonuses.approve_forfeit"))


def make_draft(*, weights: WeightTable = WEIGHTS, **terms: Any) -> BonusRule:
    return create_rule(replace(WELCOME, **terms), weights, acting_user=make_user(), now=NOW)


def activate(rule: BonusRule, *, now: datetime = NOW) -> BonusRule:
    """Take a draft through both people."""
    approval_id = request_activation(
        rule_id=rule.pk, acting_user=make_user(), reason="Autumn offer.", now=now
    )
    approve(approval_id=approval_id, user=make_approver(), reason="Terms checked.", now=now)
    rule.refresh_from_db()
    return rule


def make_rule(*, weights: WeightTable = WEIGHTS, **terms: Any) -> BonusRule:
    return activate(make_draft(weights=weights, **terms))


def make_grant(player: Player, *, key: str = "", deposit_minor: int = 10_000) -> Grant:
    return grant_bonus(
        player_id=player.pk,
        rule_code=WELCOME.code,
        deposit_minor=deposit_minor,
        acting_user=None,
        idempotency_key=key or f"key-{next(_numbers)}",
        now=NOW,
    )


def bonus_pot(player: Player) -> int:
    return Account.objects.get(player=player, pot="bonus").balance_minor
