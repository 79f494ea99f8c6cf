"""What one batch works on: locked and loaded once, changed in memory, written once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from apps.bonuses.contracts import GrantFact, Receipt, WageringState
from apps.core.contracts import Event
from apps.gateway.contracts import Refused
from apps.play.contracts import LiveSession
from apps.players.protection import Protection
from apps.promotions.contracts import CampaignRef, Tag
from apps.providers.contracts import CanonicalEvent, GameRef, ProviderProfile
from apps.providers.enums import Operation
from apps.rounds.contracts import AttemptRow, ConflictRow, DriftRow, EventRow, RoundRow
from apps.rounds.enums import EventStatus, MoneyState, Origin, RoundState
from apps.wallet.contracts import (
    RECEIVABLE,
    Debt,
    House,
    PostedLine,
    Side,
    TransferRequest,
    Wallet,
)

EventKey = tuple[int, str]
RoundKey = tuple[int, str, int]


@dataclass(frozen=True, slots=True)
class Context:
    """Where an event came from and by which clock it is judged."""

    provider: ProviderProfile
    received_at: datetime
    delivery_id: int | None
    origin: Origin = Origin.CALLBACK
    is_swept: bool = False
    is_asked_again: bool = False

    def subject(self, event_id: str) -> str:
        """Return what ledger lines and receipts call this event."""
        return f"{self.provider.code}:{event_id}"


@dataclass(slots=True)
class Book:
    """Everything a batch may read or change. Judging is pure: it only ever touches this."""

    wallets: dict[str, Wallet] = field(default_factory=dict)
    games: dict[tuple[int, str], GameRef] = field(default_factory=dict)
    events: dict[EventKey, EventRow] = field(default_factory=dict)
    tombstones: set[EventKey] = field(default_factory=set)
    settling: set[EventKey] = field(default_factory=set)
    corrected: set[EventKey] = field(default_factory=set)
    """Events that moved no money themselves and that people credited a player for."""
    rounds: dict[RoundKey, RoundRow] = field(default_factory=dict)
    rounds_by_id: dict[int, RoundRow] = field(default_factory=dict)
    wagering: dict[int, WageringState] = field(default_factory=dict)
    receipts: dict[str, list[Receipt]] = field(default_factory=dict)
    grants: dict[int, list[GrantFact]] = field(default_factory=dict)
    lines: dict[str, list[PostedLine]] = field(default_factory=dict)
    debts: dict[str, Debt] = field(default_factory=dict)
    """What players owe, where a stake that they could not cover may be given back."""
    campaigns: dict[tuple[int, str], CampaignRef] = field(default_factory=dict)
    drift: dict[tuple[int, int], int] = field(default_factory=dict)
    protection: Protection = field(default_factory=Protection)
    live_sessions: dict[str, LiveSession] = field(default_factory=dict)
    served: dict[tuple[int, str], bool] = field(default_factory=dict)
    """Whether the launch gate lets a game be played in a place, where a session changed to it."""
    event_ids: Iterator[int] = field(default_factory=lambda: iter(()))
    round_ids: Iterator[int] = field(default_factory=lambda: iter(()))

    transfers: list[TransferRequest] = field(default_factory=list)
    new_receipts: list[Receipt] = field(default_factory=list)
    moved_grants: dict[int, WageringState] = field(default_factory=dict)
    tags: list[Tag] = field(default_factory=list)
    drift_rows: list[DriftRow] = field(default_factory=list)
    attempts: list[AttemptRow] = field(default_factory=list)
    conflicts: list[ConflictRow] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    facts: list[Event] = field(default_factory=list)

    def find_round(
        self, context: Context, event: CanonicalEvent, wallet: Wallet
    ) -> RoundRow | None:
        return self.rounds.get((context.provider.id, event.round_ref, wallet.player_id))

    def is_settled_stake(self, stake: EventRow) -> bool:
        """Tell whether a win stands against a stake, in the database or in this batch."""
        key = (stake.provider_id, stake.event_id)
        return key in self.settling or any(
            row.operation == Operation.WIN
            and row.money_state == MoneyState.SETTLED
            and _settles(row, stake)
            for row in self.events.values()
        )

    def round_of(self, context: Context, event: CanonicalEvent, wallet: Wallet) -> RoundRow:
        """Return the event's round, opening it where this is its first event."""
        found = self.find_round(context, event, wallet)
        if found is None:
            game = self.games[context.provider.id, event.game_code]
            found = RoundRow(
                id=next(self.round_ids),
                provider_id=context.provider.id,
                round_ref=event.round_ref,
                player_id=wallet.player_id,
                game_id=game.id,
                currency=wallet.currency,
                state=RoundState.OPEN,
                stake_minor=0,
                stake_bonus_minor=0,
                win_minor=0,
                standing_events=0,
                opened_at=event.occurred_at,
                settled_at=None,
                is_new=True,
            )
            self.add_round(found)
        return found

    def no_round(self, row: EventRow) -> RoundRow:
        """Return a round for money that belongs to none; it is never saved."""
        return RoundRow(
            id=0,
            provider_id=row.provider_id,
            round_ref=row.round_ref,
            player_id=row.player_id or 0,
            game_id=row.game_id or 0,
            currency=row.currency,
            state=RoundState.OPEN,
            stake_minor=0,
            stake_bonus_minor=0,
            win_minor=0,
            standing_events=0,
            opened_at=row.occurred_at,
            settled_at=None,
        )

    def add_round(self, row: RoundRow) -> None:
        self.rounds[row.provider_id, row.round_ref, row.player_id] = row
        self.rounds_by_id[row.id] = row

    def keep(
        self, context: Context, event: CanonicalEvent, *, into: EventRow | None = None
    ) -> EventRow:
        """Return the row that stores this event: a new one, or a parked or refused one again."""
        wallet = self.wallets.get(event.player_ref)
        game = self.games.get((context.provider.id, event.game_code))
        if into is not None:
            into.received_at = context.received_at
            into.player_id = wallet.player_id if wallet else None
            into.game_id = game.id if game else None
            into.is_changed = True
            return into
        row = EventRow(
            id=next(self.event_ids),
            provider_id=context.provider.id,
            event_id=event.event_id,
            fingerprint=event.fingerprint,
            final_fingerprint="",
            round_id=None,
            player_id=wallet.player_id if wallet else None,
            player_ref=event.player_ref,
            game_id=game.id if game else None,
            game_code=event.game_code,
            round_ref=event.round_ref,
            occurred_at=event.occurred_at,
            received_at=context.received_at,
            bet_minor=event.bet_minor,
            win_minor=event.win_minor,
            stake_bonus_minor=0,
            win_bonus_minor=0,
            overdrawn_minor=0,
            currency=event.currency,
            round_type=event.round_type,
            balance_before_minor=event.balance_before_minor,
            balance_after_minor=event.balance_after_minor,
            finalized=event.finalized,
            reference_event_id=event.reference_event_id,
            promo_campaign=event.promo_campaign,
            promo_multiplier=event.promo_multiplier,
            status=EventStatus.ACCEPTED,
            code="",
            money_state=MoneyState.NONE,
            balance_minor=None,
            delivery_id=context.delivery_id,
            origin=context.origin,
            operation=event.operation,
            is_free=event.is_free,
            jackpot_minor=event.jackpot_minor,
            is_new=True,
        )
        self.events[context.provider.id, event.event_id] = row
        return row

    def move(  # noqa: PLR0913 - one movement of money has this many parts, and all are needed
        self,
        row: EventRow,
        subject: str,
        *,
        kind: str,
        debit: Side,
        credit: Side,
        amount_minor: int,
        key: str = "",
        reverses: str = "",
        reverses_key: str = "",
    ) -> None:
        """Move money between two accounts for an event; nothing at all where it is nothing.

        ``reverses`` is the key of a line of the same subject, ``reverses_key`` of any.
        """
        if amount_minor <= 0:
            return
        self.transfers.append(
            TransferRequest(
                idempotency_key=f"{subject}:{key or kind}",
                debit=debit,
                credit=credit,
                amount_minor=amount_minor,
                currency=row.currency,
                kind=kind,
                subject=subject,
                occurred_at=row.occurred_at,
                reverses_key=f"{subject}:{reverses}" if reverses else reverses_key,
            )
        )
        for side, change in ((debit, -amount_minor), (credit, amount_minor)):
            self._carry(row, side, change)

    def _carry(self, row: EventRow, side: Side, change: int) -> None:
        pot = getattr(side, "pot", None)
        if pot is not None:
            self.wallets[row.player_ref].balances[pot] += change
        elif side == House(f"{RECEIVABLE}{row.player_ref}") and row.player_ref in self.debts:
            self.debts[row.player_ref].open_minor -= change


def _settles(win: EventRow, stake: EventRow) -> bool:
    """Tell whether a win is of this stake: it names it, or names none in its round."""
    if not win.reference_event_id:
        return win.round_id == stake.round_id
    return (win.provider_id, win.reference_event_id, win.player_ref) == (
        stake.provider_id,
        stake.event_id,
        stake.player_ref,
    )
