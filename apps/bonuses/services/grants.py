"""Give bonuses, and close them by rule or by two people."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import connection, transaction

from apps.bonuses.arithmetic import match_minor, requirement_minor
from apps.bonuses.contracts import ExpiryReport
from apps.bonuses.enums import GrantState
from apps.bonuses.errors import (
    ActiveGrantExistsError,
    DepositTooLargeError,
    DepositTooSmallError,
    GrantClosedError,
    GrantKeyConflictError,
    IdentityNotVerifiedError,
    PlayerNotEligibleError,
    RuleNotActiveError,
    WrongCurrencyError,
    WrongJurisdictionError,
)
from apps.bonuses.jurisdictions import check_requirement
from apps.bonuses.locks import due_grant_ids, lock_grant, lock_granting
from apps.bonuses.models import BonusRule, Grant
from apps.bonuses.selectors import (
    active_rule,
    describe_requirement,
    grant_by_key,
    has_active_grant,
)
from apps.core.money import MAX_MINOR
from apps.core.services import record_audit
from apps.players.contracts import PlayerRef
from apps.players.selectors import player_by_id
from apps.staff.contracts import ApprovalGrant
from apps.staff.services import request_approval
from apps.staff.services.approvals import Person
from apps.wallet.contracts import House, PlayerPot, TransferRequest
from apps.wallet.enums import Pot, TransferKind
from apps.wallet.services.ledger import lock_wallets, post_transfers

logger = structlog.get_logger(__name__)

FORFEITURE: Final = "bonuses.forfeit"
BONUS_COST: Final = House("bonus_cost")
EXPIRY_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class _Amounts:
    bonus_minor: int
    required_minor: int


@transaction.atomic
def grant_bonus(
    *,
    player_id: int,
    rule_code: str,
    deposit_minor: int,
    acting_user: Person | None,
    idempotency_key: str,
    now: datetime,
) -> Grant:
    """Give a player the bonus of a rule's active version for a deposit, once per key.

    The bonus moves from the house to the player's bonus pot in the same transaction. A repeat with
    the same key and content returns the first grant, whatever has happened to it since.

    Raises:
        GrantKeyConflictError: the key was used for another player, rule or deposit.
        RuleNotActiveError: no version of the rule is active.
        PlayerNotEligibleError: the player is blocked, self-excluded or closed.
        IdentityNotVerifiedError: the rule needs a verified player.
        WrongJurisdictionError: the rule is for another jurisdiction.
        WrongCurrencyError: the rule is in another currency than the player's money.
        ActiveGrantExistsError: the player is still playing for another bonus.
        DepositTooSmallError, DepositTooLargeError: the deposit gives no bonus, or one whose
            requirement is beyond any ledger.
        RequirementTooHighError: the player's jurisdiction allows less turnover.
    """
    lock_granting(idempotency_key, player_id)
    existing = grant_by_key(idempotency_key)
    if existing is not None:
        _check_same_grant(existing, player_id, rule_code, deposit_minor)
        return existing
    rule = active_rule(rule_code)
    if rule is None:
        raise RuleNotActiveError(rule_code)
    player = player_by_id(player_id)
    _check_eligible(player, rule)
    amounts = _amounts_for(rule, player, deposit_minor, now)
    grant = Grant.objects.create(
        player_id=player.id,
        rule=rule,
        currency=rule.currency,
        deposit_minor=deposit_minor,
        bonus_minor=amounts.bonus_minor,
        required_minor=amounts.required_minor,
        remaining_minor=amounts.required_minor,
        idempotency_key=idempotency_key,
        granted_by_id=None if acting_user is None else acting_user.pk,
        granted_at=now,
        expires_at=now + timedelta(days=rule.expires_after_days),
    )
    post_transfers([_grant_transfer(grant, now)], now=now)
    record_audit(
        action="bonuses.grant.made",
        actor=acting_user,
        subject=_subject(grant),
        details={
            "player": player.player_ref,
            "rule": str(rule),
            "deposit_minor": deposit_minor,
            "bonus_minor": amounts.bonus_minor,
            "required_minor": amounts.required_minor,
            "currency": rule.currency,
        },
        reason=describe_requirement(grant),
        now=now,
    )
    logger.info("bonuses.grant.made", grant_id=grant.pk, rule_id=rule.pk)
    return grant


def expire_grants(now: datetime, *, limit: int = EXPIRY_BATCH) -> ExpiryReport:
    """Close every active grant whose time is over and return its bonus money to the house.

    One transaction per grant, so what is closed stays closed if a later one fails; a repeat finds
    nothing left to do.
    """
    returned: Counter[str] = Counter()
    expired = 0
    for grant_id in due_grant_ids(now, limit=limit):
        amount = _expire_grant(grant_id, now)
        if amount is not None:
            expired += 1
            returned[amount[0]] += amount[1]
    return ExpiryReport(expired=expired, forfeited=tuple(sorted(returned.items())))


@transaction.atomic
def request_forfeiture(*, grant_id: int, acting_user: Person, reason: str, now: datetime) -> int:
    """Ask a second person to forfeit an active grant; returns the approval's id.

    Raises:
        UnknownGrantError: there is no such grant.
        GrantClosedError: it is completed, expired or forfeited already.
    """
    grant = lock_grant(grant_id)
    _check_active(grant)
    approval = request_approval(
        kind=FORFEITURE,
        subject=_subject(grant),
        title=f"Forfeit bonus grant {grant.pk}",
        payload={"grant_id": grant.pk, "player_id": grant.player_id},
        requested_by=acting_user,
        reason=reason,
        now=now,
    )
    return approval.pk


def execute_forfeiture(approved: ApprovalGrant) -> dict[str, Any]:
    """Forfeit the grant two people agreed on; runs inside the approval's transaction.

    Raises:
        GrantClosedError: it was closed since the approval was asked for.
    """
    bonus_minor = _lock_bonus_pot(int(approved.payload["player_id"]))
    grant = lock_grant(int(approved.payload["grant_id"]))
    _check_active(grant)
    grant.forfeit_approval_id = approved.approval_id
    _close(grant, GrantState.FORFEITED, approved.now, "forfeit_approval")
    _return_bonus(grant, bonus_minor, approved.now)
    return {"grant_id": grant.pk, "forfeited_minor": bonus_minor, "currency": grant.currency}


def _check_same_grant(existing: Grant, player_id: int, rule_code: str, deposit_minor: int) -> None:
    first = (existing.player_id, existing.rule.code, existing.deposit_minor)
    if first != (player_id, rule_code, deposit_minor):
        raise GrantKeyConflictError(existing.idempotency_key)


def _check_eligible(player: PlayerRef, rule: BonusRule) -> None:
    if not player.may_stake:
        raise PlayerNotEligibleError(player.player_ref, player.status)
    if rule.requires_verified_kyc and player.kyc_status != "verified":
        raise IdentityNotVerifiedError(player.player_ref)
    if rule.jurisdiction and player.jurisdiction != rule.jurisdiction:
        raise WrongJurisdictionError(player.jurisdiction, rule.jurisdiction)
    if player.currency != rule.currency:
        raise WrongCurrencyError(player.currency, rule.currency)
    if has_active_grant(player.id):
        raise ActiveGrantExistsError(player.player_ref)


def _amounts_for(rule: BonusRule, player: PlayerRef, deposit_minor: int, now: datetime) -> _Amounts:
    if deposit_minor <= 0:
        raise DepositTooSmallError
    bonus_minor = match_minor(deposit_minor, rule.percent_bp, rule.max_bonus_minor)
    required_minor = requirement_minor(
        multiple=rule.requirement_multiple,
        basis=rule.basis,
        deposit_minor=deposit_minor,
        bonus_minor=bonus_minor,
    )
    if bonus_minor <= 0 or required_minor <= 0:
        raise DepositTooSmallError
    if required_minor > MAX_MINOR:
        raise DepositTooLargeError
    check_requirement(
        player.jurisdiction, required_minor=required_minor, bonus_minor=bonus_minor, at=now
    )
    return _Amounts(bonus_minor, required_minor)


def _grant_transfer(grant: Grant, now: datetime) -> TransferRequest:
    return TransferRequest(
        idempotency_key=f"{_subject(grant)}:grant",
        debit=BONUS_COST,
        credit=PlayerPot(grant.player_id, Pot.BONUS),
        amount_minor=grant.bonus_minor,
        currency=grant.currency,
        kind=TransferKind.BONUS_GRANT,
        subject=_subject(grant),
        occurred_at=now,
    )


@transaction.atomic
def _expire_grant(grant_id: int, now: datetime) -> tuple[str, int] | None:
    """Expire one grant if it still is due; returns what went back, or None if it wasn't due."""
    player_id = Grant.objects.values_list("player_id", flat=True).get(pk=grant_id)
    bonus_minor = _lock_bonus_pot(player_id)
    grant = lock_grant(grant_id)
    if grant.state != GrantState.ACTIVE or grant.expires_at > now:
        return None
    _close(grant, GrantState.EXPIRED, now)
    _return_bonus(grant, bonus_minor, now)
    record_audit(
        action="bonuses.grant.expired",
        actor=None,
        subject=_subject(grant),
        details={
            "remaining_minor": grant.remaining_minor,
            "forfeited_minor": bonus_minor,
            "currency": grant.currency,
        },
        reason=f"Its {grant.rule.expires_after_days} days are over.",
        now=now,
    )
    logger.info("bonuses.grant.expired", grant_id=grant.pk)
    return grant.currency, bonus_minor


def _lock_bonus_pot(player_id: int) -> int:
    """Lock the player's wallet and return the bonus pot; the first lock on every closing path."""
    with connection.cursor() as cursor:
        wallets = lock_wallets(cursor, player_ids=[player_id])
    return wallets[0].balances[Pot.BONUS] if wallets else 0


def _check_active(grant: Grant) -> None:
    if grant.state != GrantState.ACTIVE:
        raise GrantClosedError(grant.pk, grant.state)


def _close(grant: Grant, state: GrantState, now: datetime, *also: str) -> None:
    grant.state = state
    grant.closed_at = now
    grant.save(update_fields=["state", "closed_at", *also])


def _return_bonus(grant: Grant, bonus_minor: int, now: datetime) -> None:
    """Move the whole bonus pot back: a player has one grant at a time, so all of it is of this."""
    if bonus_minor <= 0:
        return
    request = TransferRequest(
        idempotency_key=f"{_subject(grant)}:forfeit",
        debit=PlayerPot(grant.player_id, Pot.BONUS),
        credit=BONUS_COST,
        amount_minor=bonus_minor,
        currency=grant.currency,
        kind=TransferKind.BONUS_FORFEIT,
        subject=_subject(grant),
        occurred_at=now,
    )
    post_transfers([request], now=now)


def _subject(grant: Grant) -> str:
    return f"bonus-grant:{grant.pk}"
