"""Domain values in the words of the API; amounts as decimal strings."""

import hashlib
from typing import Any

from apps.core.money import format_minor
from apps.operator_api.contracts import Eligibility, MoneyMoved, ProviderBalance
from apps.operator_api.enums import TransferDirection
from apps.play.contracts import RealityCheckState, Visit
from apps.players.contracts import PlayerRef, RealityCheckClock, RealityCheckLine
from apps.players.rules import support_links
from apps.providers.contracts import CertificateRef
from apps.rounds.contracts import AttemptView
from apps.rounds.payloads import event_alone
from apps.wallet.contracts import GameTransferRef, TransferLine
from apps.wallet.enums import Direction, Pot


def helplines(jurisdiction: str) -> list[dict[str, str]]:
    """Return where a player of the jurisdiction finds help."""
    return [
        {"name": link.name, "phone": link.phone, "url": link.url}
        for link in support_links(jurisdiction)
    ]


def balance(player_ref: str, currency: str, pots: dict[str, int]) -> dict[str, Any]:
    playable_minor = pots.get(Pot.CASH, 0) + pots.get(Pot.BONUS, 0)
    return {
        "player_id": player_ref,
        "currency": currency,
        "playable": format_minor(playable_minor, currency),
        "pots": [
            {"pot": str(pot), "amount": format_minor(amount_minor, currency)}
            for pot, amount_minor in sorted(pots.items())
        ],
    }


def transfer(moved: MoneyMoved) -> dict[str, Any]:
    return {
        "transfer_id": moved.transfer_id,
        "state": moved.state,
        "player_id": moved.player_ref,
        "kind": moved.direction,
        "amount": format_minor(moved.amount_minor, moved.currency),
        "currency": moved.currency,
        "reference": moved.reference,
        "posted_at": moved.posted_at,
        "balance": balance(moved.player_ref, moved.currency, moved.balances),
    }


def transfer_state(found: GameTransferRef) -> dict[str, Any]:
    is_in = found.direction == Direction.IN
    return {
        "transfer_id": found.public_id,
        "state": found.state,
        "player_id": found.player_ref,
        "provider": found.provider_code,
        "kind": str(TransferDirection.TO_GAME if is_in else TransferDirection.FROM_GAME),
        "amount": format_minor(found.amount_minor, found.currency),
        "currency": found.currency,
        "code": found.code,
        "requested_at": found.requested_at,
        "decided_at": found.decided_at,
    }


def provider_balance(found: ProviderBalance) -> dict[str, Any]:
    return {
        "player_id": found.player_ref,
        "provider": found.provider_code,
        "currency": found.currency,
        "theirs": format_minor(found.theirs_minor, found.currency),
        "ours": format_minor(found.ours_minor, found.currency),
        "difference": format_minor(found.theirs_minor - found.ours_minor, found.currency),
        "asked_at": found.asked_at,
    }


def eligibility(answer: Eligibility) -> dict[str, Any]:
    return {
        "player_id": answer.player_ref,
        "eligible": answer.is_eligible,
        "withdrawable": format_minor(answer.withdrawable_minor, answer.currency),
        "currency": answer.currency,
        "reasons": [
            {
                "code": reason.code,
                "text": reason.text,
                "blocks": reason.blocks,
                "value": reason.value,
                "resolve_at": reason.resolve_at,
            }
            for reason in answer.reasons
        ],
    }


def player(ref: PlayerRef, *, may_play: bool) -> dict[str, Any]:
    return {
        "player_id": ref.player_ref,
        "currency": ref.currency,
        "jurisdiction": ref.jurisdiction,
        "kyc_status": ref.kyc_status,
        "status": ref.status,
        "may_play": may_play,
        "support_links": helplines(ref.jurisdiction),
    }


def clock(found: RealityCheckClock) -> dict[str, Any]:
    return {"due_at": found.due_at, "acknowledge_by": found.acknowledge_by}


def figures(found: RealityCheckLine | Visit, currency: str) -> dict[str, Any]:
    return {
        "minutes_played": found.minutes_played,
        "currency": currency,
        "staked": format_minor(found.staked_minor, currency),
        "won": format_minor(found.won_minor, currency),
        "net": format_minor(found.net_minor, currency),
    }


def reality_check(line: RealityCheckLine, currency: str) -> dict[str, Any]:
    return {
        "check_id": line.check_id,
        "shown_at": line.shown_at,
        **figures(line, currency),
        "answer": line.answer,
        "answered_at": line.answered_at,
    }


def reality_check_state(state: RealityCheckState) -> dict[str, Any]:
    visit, waiting = state.visit, state.waiting
    return {
        **clock(visit.clock),
        **figures(visit, visit.currency),
        "is_due": state.is_due,
        "stakes_paused": state.is_paused,
        "session_ended": state.has_ended,
        "playing_since": visit.playing_since,
        "waiting": None if waiting is None else reality_check(waiting, visit.currency),
    }


def certificate(found: CertificateRef | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "lab": found.lab,
        "report_number": found.report_number,
        "revision": found.revision,
        "expires_on": found.expires_on,
    }


def attempt(view: AttemptView, event_id: str) -> dict[str, Any]:
    return {
        "received_at": view.received_at,
        "message_id": view.message_id,
        "status": view.status,
        "code": view.code,
        "http_status": view.http_status,
        "body": event_alone(view.body, event_id),
        "delivery_sha256": hashlib.sha256(view.body).hexdigest(),
    }


def ledger_line(line: TransferLine) -> dict[str, Any]:
    return {
        "transfer_id": str(line.id),
        "kind": line.kind,
        "debit": line.debit,
        "credit": line.credit,
        "amount": format_minor(line.amount_minor, line.currency),
        "currency": line.currency,
        "posted_at": line.created_at,
    }
