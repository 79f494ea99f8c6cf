"""Wagering on the hot path: load and lock, count in memory, save; one statement per step.

The caller owns the transaction and holds the players' wallets locked: every path that takes both
locks the wallets first and the grants second (``wallet.services.lock_wallets``).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from apps.bonuses import statements
from apps.bonuses.arithmetic import contribution_minor
from apps.bonuses.contracts import (
    GrantFact,
    Receipt,
    WageringState,
    WeightTable,
)
from apps.bonuses.enums import GrantState, ReceiptReason
from apps.core.batches import Cursor


def load_wagering(cursor: Cursor, player_ids: Sequence[int]) -> dict[int, WageringState]:
    """Lock the active grants of these players, in grant order, and return them by player id."""
    if not player_ids:
        return {}
    cursor.execute(statements.LOCK_ACTIVE_GRANTS, [sorted(set(player_ids))])
    states = (_state_from_row(row) for row in cursor.fetchall())
    return {state.player_id: state for state in states}


def load_grants(cursor: Cursor, player_ids: Sequence[int]) -> dict[int, list[GrantFact]]:
    """Return every grant these players ever had, oldest first, by player id; takes no lock."""
    found: dict[int, list[GrantFact]] = {player_id: [] for player_id in player_ids}
    if found:
        cursor.execute(statements.GRANTS_OF_PLAYERS, [sorted(found)])
        for player_id, *fact in cursor.fetchall():
            found[player_id].append(GrantFact(fact[0], fact[1], GrantState(fact[2])))
    return found


def count_bet(
    state: WageringState,
    *,
    subject: str,
    game_code: str,
    category: str,
    stake_minor: int,
    occurred_at: datetime,
) -> tuple[Receipt, WageringState]:
    """Count one bet towards the requirement; pure.

    A stake over the maximum bet counts nothing rather than in part: such a stake is refused before
    it is played, so one that arrives was played against the rule. The state returned is completed
    when nothing remains.
    """
    weight_bp = state.weights.weight_bp(game_code, category)
    reason = _reason_for(state, stake_minor, weight_bp, occurred_at)
    counted_minor = 0
    if reason in {ReceiptReason.COUNTED, ReceiptReason.CAPPED}:
        full_minor = contribution_minor(stake_minor, weight_bp, state.contribution_cap_minor)
        counted_minor = min(full_minor, state.remaining_minor)
    remaining_minor = state.remaining_minor - counted_minor
    receipt = Receipt(
        grant_id=state.grant_id,
        subject=subject,
        stake_minor=stake_minor,
        weight_bp=weight_bp,
        cap_minor=state.contribution_cap_minor,
        max_bet_minor=state.max_bet_minor,
        counted_minor=counted_minor,
        remaining_before_minor=state.remaining_minor,
        remaining_after_minor=remaining_minor,
        rule_version=state.rule_version,
        reason=reason,
        currency=state.currency,
        game_code=game_code,
        occurred_at=occurred_at,
        grant_remaining_minor=remaining_minor,
    )
    next_state = GrantState.COMPLETED if counted_minor and not remaining_minor else state.state
    return receipt, replace(state, remaining_minor=remaining_minor, state=next_state)


def load_receipts(cursor: Cursor, subjects: Sequence[str]) -> dict[str, list[Receipt]]:
    """Return the receipts of these bets by subject, oldest first, reversals included."""
    if not subjects:
        return {}
    cursor.execute(statements.RECEIPTS_BY_SUBJECT, [sorted(set(subjects))])
    found: dict[str, list[Receipt]] = {}
    for row in cursor.fetchall():
        receipt = _receipt_from_row(row)
        found.setdefault(receipt.subject, []).append(receipt)
    return found


def reverse_bet(
    state: WageringState | None, receipts: Iterable[Receipt]
) -> tuple[list[Receipt], WageringState | None]:
    """Take back what a rolled back bet counted, at its original weight and version; pure.

    Pass every receipt of the bet (``load_receipts`` and those of the running batch): what is
    already reversed is left alone, so a second rollback yields no receipts. A grant that is
    completed, expired or forfeited is not reopened; its reversal is flagged instead.
    """
    known = list(receipts)
    reversed_grants = {receipt.grant_id for receipt in known if receipt.is_reversal}
    reversals: list[Receipt] = []
    for original in known:
        if original.is_reversal or original.grant_id in reversed_grants:
            continue
        own_state = state if state is not None and state.grant_id == original.grant_id else None
        reversal = _reversal_of(original, own_state)
        reversals.append(reversal)
        if own_state is not None:
            state = replace(own_state, remaining_minor=reversal.remaining_after_minor)
    return reversals, state


def save_wagering(
    cursor: Cursor,
    receipts: Sequence[Receipt],
    states: Sequence[WageringState],
    now: datetime,
) -> None:
    """Append receipts and bring the locked grants up to date.

    A receipt written twice violates ``bonuses_receipt_once_per_grant_and_bet``: the caller has
    already told duplicates apart, so a repeat here is a bug and goes up.
    """
    if receipts:
        cursor.execute(statements.INSERT_RECEIPTS, [now, *_receipt_columns(receipts)])
    if states:
        cursor.execute(
            statements.UPDATE_GRANTS,
            [
                now,
                [state.grant_id for state in states],
                [state.remaining_minor for state in states],
                [state.state.value for state in states],
            ],
        )


def _reason_for(
    state: WageringState, stake_minor: int, weight_bp: int, occurred_at: datetime
) -> ReceiptReason:
    cap_minor = state.contribution_cap_minor
    rules = (
        (state.is_completed, ReceiptReason.REQUIREMENT_MET),
        (state.state != GrantState.ACTIVE, ReceiptReason.EXPIRED),
        (occurred_at < state.granted_at, ReceiptReason.BEFORE_GRANT),
        (occurred_at >= state.expires_at, ReceiptReason.EXPIRED),
        (stake_minor <= 0, ReceiptReason.NO_STAKE),
        (state.exceeds_max_bet(stake_minor), ReceiptReason.OVER_MAX_BET),
        (weight_bp <= 0, ReceiptReason.ZERO_WEIGHT),
        (cap_minor is not None and stake_minor > cap_minor, ReceiptReason.CAPPED),
    )
    return next((reason for applies, reason in rules if applies), ReceiptReason.COUNTED)


def _reversal_of(original: Receipt, state: WageringState | None) -> Receipt:
    """Build the reversal; ``state`` is the original's own grant, or None when it isn't loaded."""
    is_open = state is not None and state.state == GrantState.ACTIVE
    before_minor = original.grant_remaining_minor if state is None else state.remaining_minor
    returned_minor = original.counted_minor if is_open else 0
    return replace(
        original,
        counted_minor=-returned_minor,
        unrecovered_minor=original.counted_minor - returned_minor,
        remaining_before_minor=before_minor,
        remaining_after_minor=before_minor + returned_minor,
        grant_remaining_minor=before_minor + returned_minor,
        reason=ReceiptReason.ROLLED_BACK,
        is_reversal=True,
    )


def _state_from_row(row: Sequence[Any]) -> WageringState:
    return WageringState(
        grant_id=row[0],
        player_id=row[1],
        currency=row[2],
        remaining_minor=row[3],
        required_minor=row[4],
        rule_id=row[5],
        rule_version=row[6],
        max_bet_minor=row[7],
        contribution_cap_minor=row[8],
        granted_at=row[9],
        expires_at=row[10],
        state=GrantState(row[11]),
        weights=WeightTable(games=json.loads(row[12]), categories=json.loads(row[13])),
    )


def _receipt_from_row(row: Sequence[Any]) -> Receipt:
    return Receipt(
        grant_id=row[0],
        subject=row[1],
        stake_minor=row[2],
        weight_bp=row[3],
        cap_minor=row[4],
        max_bet_minor=row[5],
        counted_minor=row[6],
        remaining_before_minor=row[7],
        remaining_after_minor=row[8],
        rule_version=row[9],
        reason=ReceiptReason(row[10]),
        currency=row[11],
        game_code=row[12],
        occurred_at=row[13],
        event_pk=row[14],
        unrecovered_minor=row[15],
        is_reversal=row[16],
        grant_remaining_minor=row[17],
    )


def _receipt_columns(receipts: Sequence[Receipt]) -> list[list[Any]]:
    """Turn receipts into the arrays of INSERT_RECEIPTS, in its column order."""
    return [
        [receipt.grant_id for receipt in receipts],
        [receipt.subject for receipt in receipts],
        [receipt.stake_minor for receipt in receipts],
        [receipt.weight_bp for receipt in receipts],
        [receipt.cap_minor for receipt in receipts],
        [receipt.max_bet_minor for receipt in receipts],
        [receipt.counted_minor for receipt in receipts],
        [receipt.remaining_before_minor for receipt in receipts],
        [receipt.remaining_after_minor for receipt in receipts],
        [receipt.rule_version for receipt in receipts],
        [receipt.reason.value for receipt in receipts],
        [receipt.game_code for receipt in receipts],
        [receipt.occurred_at for receipt in receipts],
        [receipt.event_pk for receipt in receipts],
        [receipt.unrecovered_minor for receipt in receipts],
        [receipt.is_reversal for receipt in receipts],
    ]
