"""Whether a player may withdraw: one answer, every reason with its value and its way out."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from apps.bonuses.enums import GrantState
from apps.bonuses.selectors import progress_of_player
from apps.core.money import format_minor
from apps.disputes.enums import CLOSED_STATES
from apps.disputes.selectors import cases_of_player
from apps.operator_api.contracts import Eligibility, EligibilityReason
from apps.players.contracts import LimitUse, PlayerRef
from apps.players.enums import KycStatus, LimitKind, PlayerStatus
from apps.players.selectors import exclusion_lets_go_at, exclusions_in_force, limit_use
from apps.rounds.selectors import open_round_count
from apps.wallet.enums import Pot
from apps.wallet.selectors import balances, open_receivables, undecided_transfers

if TYPE_CHECKING:
    from apps.players.models import Exclusion


def withdrawal_eligibility(player: PlayerRef, *, now: datetime) -> Eligibility:
    """Say whether and how much a player may withdraw, with everything that bears on it.

    Only cash can be withdrawn, and wagering that is left keeps none of it back: it decides what
    becomes of bonus funds. An exclusion, a closed account and a limit keep nobody's money
    back: they are named, and do not block. What is held or pending becomes cash, or not, when its
    round closes.
    """
    pots = balances(player.id)
    reasons = (
        *_standing(player, now),
        *_money_elsewhere(player, pots),
        *_open_rounds(player),
        *_unresolved(player),
        *_owed(player),
        *_wagering(player),
        *_disputes(player),
        *_limits(player, now),
    )
    return Eligibility(
        player_ref=player.player_ref,
        currency=player.currency,
        withdrawable_minor=pots.get(Pot.CASH, 0),
        reasons=reasons,
    )


def _standing(player: PlayerRef, now: datetime) -> Iterator[EligibilityReason]:
    place = f"Back office: Players, {player.player_ref}"
    if player.kyc_status != KycStatus.VERIFIED:
        yield EligibilityReason(
            code="kyc_not_verified",
            text="The player's identity is not verified.",
            blocks=True,
            value=player.kyc_status,
            resolve_at=f"PUT /api/v1/players/{player.player_ref} with kyc_status verified",
        )
    if player.status == PlayerStatus.BLOCKED:
        yield EligibilityReason(
            code="player_blocked",
            text="Staff blocked the account.",
            blocks=True,
            value=player.status,
            resolve_at=place,
        )
    for exclusion in exclusions_in_force(player.id, now):
        yield EligibilityReason(
            code=exclusion.kind,
            text=f"{exclusion.get_kind_display()}: no play and no deposit. Money can be withdrawn.",
            blocks=False,
            value=_lasts(exclusion),
            resolve_at="Back office: Player protection",
        )


def _lasts(exclusion: "Exclusion") -> str:
    """Say until when it holds: one that is ended on request holds past the end it was given."""
    until = exclusion_lets_go_at(exclusion)
    if until is not None:
        return f"until {_moment(until)}"
    if exclusion.earliest_end_at is not None:
        return f"until it is ended, not before {_moment(exclusion.earliest_end_at)}"
    return "for good"


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _money_elsewhere(player: PlayerRef, pots: dict[str, int]) -> Iterator[EligibilityReason]:
    texts = {
        Pot.HELD: ("held_stakes", "Stakes wait for their rounds to close."),
        Pot.PENDING: ("pending_wins", "Wins wait for their rounds to close."),
        Pot.BONUS: ("bonus_funds", "Bonus funds become cash once they are played through."),
    }
    for pot, amount_minor in sorted(pots.items()):
        if pot == Pot.CASH or not amount_minor:
            continue
        code, text = texts.get(
            Pot(pot) if pot in Pot.values else Pot.CASH,
            ("money_at_provider", f"Money is set apart for play: {pot}."),
        )
        yield EligibilityReason(
            code=code,
            text=text,
            blocks=False,
            value=f"{format_minor(amount_minor, player.currency)} {player.currency}",
            resolve_at=f"GET /api/v1/players/{player.player_ref}/balance",
        )


def _open_rounds(player: PlayerRef) -> Iterator[EligibilityReason]:
    count = open_round_count(player.id)
    if count:
        yield EligibilityReason(
            code="open_rounds",
            text="Rounds are still open; what they pay comes when they close.",
            blocks=False,
            value=str(count),
            resolve_at="Back office: Rounds",
        )


def _unresolved(player: PlayerRef) -> Iterator[EligibilityReason]:
    for transfer in undecided_transfers(player.id):
        amount = format_minor(transfer.amount_minor, transfer.currency)
        yield EligibilityReason(
            code="transfer_unresolved",
            text=f"Money is on its way {transfer.direction} with {transfer.provider_code}.",
            blocks=True,
            value=f"{amount} {transfer.currency}",
            resolve_at=f"Back office: Game transfers, {transfer.public_id}",
        )


def _owed(player: PlayerRef) -> Iterator[EligibilityReason]:
    for owed in open_receivables(player.player_ref):
        yield EligibilityReason(
            code="receivable",
            text=(
                "The player owes this: rounds were played, or wins taken back, that no money of "
                "the player covered. Finance settles it from cash or writes it off."
            ),
            blocks=True,
            value=f"{format_minor(owed.open_minor, owed.currency)} {owed.currency}",
            resolve_at=f"Back office: Receivables, {owed.player_ref}",
        )


def _wagering(player: PlayerRef) -> Iterator[EligibilityReason]:
    for grant in progress_of_player(player.id):
        if grant.state == GrantState.ACTIVE:
            left = format_minor(grant.required_minor - grant.done_minor, grant.currency)
            yield EligibilityReason(
                code="wagering_left",
                text=(
                    f"A bonus is being played through: {grant.sentence}. It keeps no cash back; "
                    "bonus funds become cash when all of it is done."
                ),
                blocks=False,
                value=f"{left} {grant.currency}",
                resolve_at=f"GET /api/v1/players/{player.player_ref}/bonuses",
            )


def _disputes(player: PlayerRef) -> Iterator[EligibilityReason]:
    for case in cases_of_player(player.id):
        if case.state not in CLOSED_STATES:
            yield EligibilityReason(
                code="open_dispute",
                text="A complaint is not decided yet. It keeps no money back.",
                blocks=False,
                value=case.number,
                resolve_at=f"Back office: Disputes, {case.number}",
            )


def _limits(player: PlayerRef, now: datetime) -> Iterator[EligibilityReason]:
    for limit in limit_use(player.id, now):
        if limit.effective_from <= now and limit.left == 0:
            yield EligibilityReason(
                code=f"{limit.kind}_used_up",
                text="A protection limit is used up. It keeps no money back.",
                blocks=False,
                value=_allowed(limit, player.currency),
                resolve_at="Back office: Player protection",
            )


def _allowed(limit: LimitUse, currency: str) -> str:
    if LimitKind(limit.kind).is_in_minutes:
        return f"{limit.allowed} min"
    return f"{format_minor(limit.allowed, currency)} {currency}"
