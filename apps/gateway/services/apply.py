"""The one way in: callback, replay and approved correction all end in ``apply_deliveries``.

One database transaction per batch: locks, loads, judges in memory, writes. Rounds, transfers,
balances, wagering, promo tags, refusal counts, verdicts and outbox rows, or nothing of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import connection, transaction

from apps.bonuses.services import wagering
from apps.core.batches import Cursor
from apps.core.money import format_minor
from apps.core.services.publish import publish_with_cursor
from apps.gateway.contracts import Judged, ToJudge
from apps.gateway.errors import BatchRacedError
from apps.gateway.services.book import Book, Context
from apps.gateway.services.bounds import within_bounds
from apps.gateway.services.id_scopes import fix_ids_of
from apps.gateway.services.judge import Judge
from apps.gateway.services.moved import load_what_moved
from apps.gateway.services.past_play import past_play
from apps.gateway.services.refusals import count_refusals
from apps.gateway.services.resolve import resolve
from apps.gateway.services.stakes import changed_game, may_be_new_stake
from apps.gateway.services.targets import may_be_undone, names_round, standing_stakes
from apps.play.selectors import sessions_by_public_id
from apps.play.services.gate import can_serve
from apps.play.services.tokens import live_sessions
from apps.players.selectors.batches import load_protection
from apps.players.services.tallies import save_tallies
from apps.promotions.contracts import FlaggedEvent
from apps.promotions.services import tagging
from apps.providers.adapters.contract import CallbackResponse
from apps.providers.adapters.registry import adapter_for
from apps.providers.contracts import CanonicalEvent, EventRefusal, GameRef, Outcome
from apps.providers.enums import Operation, Permission
from apps.providers.services.wallet_model import pin_wallet_models
from apps.rounds.contracts import VerdictRow
from apps.rounds.enums import EventStatus
from apps.rounds.events import ConflictSeen
from apps.rounds.services import store
from apps.wallet.services import ledger

Games = Mapping[tuple[int, str], GameRef]

_MOST_TRIES = 5


def apply_deliveries(deliveries: Sequence[ToJudge], games: Games, *, now: datetime) -> list[Judged]:
    """Apply stored deliveries once and return what became of each, in order.

    Safe to repeat: events already applied are answered as repeats. An event that another process
    stored in the same moment makes the batch start again.

    Raises:
        BatchRacedError: that happened several times in a row; nothing was written.
        IdScopesMovedError: somebody changed what a provider's ids mean while they were read.
    """
    for attempt in range(_MOST_TRIES):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                return _apply(cursor, deliveries, games, now)
        except BatchRacedError:
            if attempt + 1 == _MOST_TRIES:
                raise
    raise AssertionError("unreachable")


def _apply(
    cursor: Cursor, deliveries: Sequence[ToJudge], games: Games, now: datetime
) -> list[Judged]:
    deliveries = _resolve(cursor, _with_models_in_force(cursor, deliveries), now)
    events = list(_canonical(deliveries))
    book = load_book(cursor, deliveries, events, games, now)
    judged = [_judge(book, delivery) for delivery in deliveries]
    _tag(book, deliveries, judged)
    fix_ids_of([one.provider for one in deliveries], book.events.values(), now=now)
    save_book(cursor, book, now)
    store.save_verdicts(
        cursor,
        [
            VerdictRow(
                delivery.delivery_id,
                done.response.status,
                [_stored_result(outcome) for outcome in done.outcomes],
                now,
            )
            for delivery, done in zip(deliveries, judged, strict=True)
            if delivery.delivery_id is not None
        ],
    )
    return judged


def _with_models_in_force(cursor: Cursor, deliveries: Sequence[ToJudge]) -> list[ToJudge]:
    """Return the deliveries with the wallet models of now, which last until the batch is written.

    A profile is some seconds old. By the model of before, a stake would come from a pot that
    nobody fills any more, or be held for a round whose wins go elsewhere.
    """
    models = pin_wallet_models(cursor, {delivery.provider.id for delivery in deliveries})
    return [
        replace(
            delivery,
            provider=replace(delivery.provider, wallet_model=models[delivery.provider.id]),
        )
        for delivery in deliveries
    ]


def _resolve(cursor: Cursor, deliveries: Sequence[ToJudge], now: datetime) -> list[ToJudge]:
    """Fill in what messages leave to their sessions."""
    refs = {
        message.session_ref
        for delivery in deliveries
        for message in delivery.parsed
        if not isinstance(message, EventRefusal) and message.session_ref
    }
    sessions = sessions_by_public_id(cursor, refs, now) if refs else {}
    return [
        replace(
            delivery,
            parsed=tuple(
                resolve(message, delivery.provider, sessions) for message in delivery.parsed
            ),
        )
        for delivery in deliveries
    ]


def _judge(book: Book, delivery: ToJudge) -> Judged:
    """Judge a delivery and put the answer into its provider's words, before anything is written.

    What can't be rendered is thus never booked: no refusal is ever said of a committed stake.
    """
    judge = Judge(book, context_of(delivery))
    outcomes = tuple(
        judge.judge(within_bounds(book, delivery.provider.id, message))
        for message in delivery.parsed
    )
    if delivery.request is None:
        return Judged(outcomes, CallbackResponse(200, b""))
    adapter = adapter_for(delivery.provider.protocol)
    response = adapter.render(delivery.provider, delivery.request, delivery.parsed, outcomes)
    return Judged(outcomes, response)


def _canonical(deliveries: Sequence[ToJudge]) -> Iterator[tuple[Context, CanonicalEvent]]:
    for delivery in deliveries:
        context = context_of(delivery)
        for message in delivery.parsed:
            if isinstance(message, CanonicalEvent):
                yield context, message


def context_of(delivery: ToJudge) -> Context:
    """Return where the events of a delivery came from and by which clock they are judged."""
    return Context(
        delivery.provider,
        delivery.received_at,
        delivery.delivery_id,
        delivery.origin,
        delivery.is_swept,
        delivery.is_asked_again,
    )


def load_book(
    cursor: Cursor,
    deliveries: Sequence[ToJudge],
    events: list[tuple[Context, CanonicalEvent]],
    games: Games,
    now: datetime,
) -> Book:
    """Lock the players' pots first; what is read afterwards can't change under the batch."""
    book = Book(games=dict(games))
    refs = sorted(
        {
            message.player_ref
            for delivery in deliveries
            for message in delivery.parsed
            if not isinstance(message, EventRefusal)
        }
    )
    if not refs:
        return book
    wallets = ledger.lock_wallets(cursor, player_refs=refs)
    book.wallets = {wallet.player_ref: wallet for wallet in wallets}
    # Every answer states a balance, and what of it is bonus depends on the grant.
    player_ids = sorted(wallet.player_id for wallet in wallets)
    book.wagering = wagering.load_wagering(cursor, player_ids)
    if not events:
        return book
    keys = {(context.provider.id, event.event_id) for context, event in events}
    named = {
        (context.provider.id, event.reference_event_id)
        for context, event in events
        if event.reference_event_id
    }
    book.events = store.find_events(cursor, keys | named)
    book.tombstones = store.find_tombstones(cursor, keys)
    unbooked = {EventStatus.REJECTED, EventStatus.PARKED}
    known = [(key, book.events[key]) for key in keys & book.events.keys()]
    book.corrected = store.find_corrected(
        cursor, [key for key, row in known if row.status in unbooked]
    )
    _load_rounds(cursor, book, events)
    _load_players_state(cursor, book, events, now)
    new_rounds = len(_round_keys(book, events) - book.rounds.keys())
    event_ids, round_ids = store.draw_ids(cursor, events=len(keys), rounds=new_rounds)
    book.event_ids, book.round_ids = iter(event_ids), iter(round_ids)
    return book


def _round_keys(
    book: Book, events: list[tuple[Context, CanonicalEvent]]
) -> set[tuple[int, str, int]]:
    return {
        (context.provider.id, event.round_ref, book.wallets[event.player_ref].player_id)
        for context, event in events
        if event.player_ref in book.wallets
    }


def _load_rounds(cursor: Cursor, book: Book, events: list[tuple[Context, CanonicalEvent]]) -> None:
    known_ids = {row.round_id for row in book.events.values() if row.round_id is not None}
    for row in store.find_rounds(cursor, known_ids, _round_keys(book, events)):
        book.add_round(row)
    for held in store.find_held_events(cursor, sorted(book.rounds_by_id)):
        # One object per event, whether it was found by its id or through its round.
        event = book.events.setdefault((held.provider_id, held.event_id), held)
        book.rounds_by_id[held.round_id or 0].held.append(event)
    _load_ended_bonuses(cursor, book)
    by_round = _rounds_named(book, events)
    of_wins = _rounds_of_no_amount(book, events)
    for stake in store.find_standing_stakes(cursor, sorted(by_round | of_wins)):
        book.events.setdefault((stake.provider_id, stake.event_id), stake)
    targets = {
        (context.provider.id, event.reference_event_id)
        for context, event in events
        if event.operation == Operation.ROLLBACK
    }
    stakes = [book.events[key] for key in targets & book.events.keys()]
    stakes += [stake for round_id in by_round for stake in standing_stakes(book, round_id)]
    book.settling = store.find_settling_wins(
        cursor,
        [(row.provider_id, row.event_id, row.round_id or 0, row.player_id or 0) for row in stakes],
    )


def _rounds_of_no_amount(book: Book, events: list[tuple[Context, CanonicalEvent]]) -> set[int]:
    """Return the rounds that wins name whose sums don't tell of a stake: it may be a free one.

    A rollback of the same batch may take the one stake away that the sums told of.
    """
    may_lose_stakes = any(event.operation == Operation.ROLLBACK for _, event in events)
    named = [
        book.find_round(context, event, book.wallets[event.player_ref])
        for context, event in events
        if event.operation == Operation.WIN
        and not event.reference_event_id
        and event.player_ref in book.wallets
    ]
    return {
        row.id
        for row in named
        if row and row.standing_events and (may_lose_stakes or not row.stake_minor)
    }


def _load_ended_bonuses(cursor: Cursor, book: Book) -> None:
    """Load what rounds staked from bonuses that ended: a bonus has no share in another's win.

    Only where a round with bonus funds in it is older than its player's bonus, so hardly ever.
    """
    older = [
        (row.id, book.wagering[row.player_id].granted_at)
        for row in book.rounds_by_id.values()
        if row.stake_bonus_minor
        and row.player_id in book.wagering
        and row.opened_at < book.wagering[row.player_id].granted_at
    ]
    for round_id, ended_minor in store.find_bonus_staked_before(cursor, older).items():
        book.rounds_by_id[round_id].ended_bonus_minor = ended_minor


def _rounds_named(book: Book, events: list[tuple[Context, CanonicalEvent]]) -> set[int]:
    """Return the rounds that are all a rollback of the batch names."""
    named = [(context, event) for context, event in events if names_round(event)]
    found = [
        book.find_round(context, event, book.wallets[event.player_ref])
        for context, event in named
        if event.player_ref in book.wallets
    ]
    return {row.id for row in found if row is not None}


def _load_players_state(
    cursor: Cursor,
    book: Book,
    events: list[tuple[Context, CanonicalEvent]],
    now: datetime,
) -> None:
    player_ids = sorted(wallet.player_id for wallet in book.wallets.values())
    provider_ids = sorted({context.provider.id for context, _ in events})
    if any(event.balance_after_minor is not None for _, event in events):
        book.drift = store.find_drift(cursor, provider_ids, player_ids)
    load_what_moved(cursor, book, may_be_undone(book, events))
    if any(event.promo_campaign for _, event in events):
        book.campaigns = tagging.load_campaigns(cursor, provider_ids)
    if any(may_be_new_stake(event) for _, event in events):
        earliest = min(context.received_at for context, _ in events)
        book.protection = load_protection(cursor, player_ids, earliest)
        tokens = {event.session_token for _, event in events if event.session_token}
        book.live_sessions = live_sessions(cursor, tokens, now) if tokens else {}
        _ask_launch_gate(book, events, now)


def _ask_launch_gate(
    book: Book, events: list[tuple[Context, CanonicalEvent]], now: datetime
) -> None:
    """Ask once for each game and place in which a session goes on that was not launched so."""
    changed = {
        changed_game(book, context.provider, book.wallets[event.player_ref], event)
        for context, event in events
        if may_be_new_stake(event)
        and event.player_ref in book.wallets
        and (context.provider.policy.game_change == Permission.ALLOW or event.is_past_session)
    }
    for game_id, jurisdiction in sorted(pair for pair in changed if pair is not None):
        answer = can_serve(game_id=game_id, jurisdiction=jurisdiction, at=now)
        book.served[game_id, jurisdiction] = answer.allowed


def _tag(book: Book, deliveries: Sequence[ToJudge], judged: Sequence[Judged]) -> None:
    """Tag each flagged event that was taken in, when it was first taken in."""
    for delivery, done in zip(deliveries, judged, strict=True):
        context = context_of(delivery)
        for event, outcome in zip(delivery.parsed, done.outcomes, strict=True):
            taken = outcome.status in {EventStatus.ACCEPTED, EventStatus.TENTATIVE}
            if isinstance(event, CanonicalEvent) and event.promo_campaign and taken:
                flagged = FlaggedEvent(
                    provider_id=delivery.provider.id,
                    event_id=event.event_id,
                    subject=context.subject(event.event_id),
                    flagged_code=event.promo_campaign,
                    flagged_multiplier=event.promo_multiplier,
                    occurred_at=event.occurred_at,
                )
                campaign = book.campaigns.get((delivery.provider.id, event.promo_campaign))
                book.tags.append(tagging.make_tag(flagged, campaign))


def save_book(cursor: Cursor, book: Book, now: datetime) -> None:
    """Write what was judged; part of the transaction that loaded the book.

    Raises:
        BatchRacedError: another process stored one of its events in the same moment.
    """
    store.save_rounds(cursor, book.rounds.values())
    if not store.save_events(cursor, book.events.values()):
        raise BatchRacedError
    wallets = {wallet.player_id: wallet for wallet in book.wallets.values()}
    houses = ledger.house_accounts(cursor, book.transfers)
    ledger.write_transfers(cursor, book.transfers, wallets, houses, now=now)
    wagering.save_wagering(cursor, book.new_receipts, list(book.moved_grants.values()), now)
    save_tallies(cursor, book.protection)
    tagging.save_tags(cursor, book.tags, now)
    store.save_drift(cursor, book.drift_rows)
    store.save_attempts(cursor, book.attempts)
    new_conflicts = store.save_conflicts(cursor, book.conflicts)
    count_refusals(cursor, book.refused)
    alerts = [ConflictSeen(provider_id=key[0], event_id=key[1]) for key in new_conflicts]
    late = past_play(book.events.values(), now)
    publish_with_cursor(cursor, [*book.facts, *alerts, *late], now)


def _stored_result(outcome: Outcome) -> dict[str, object]:
    balance = None
    if outcome.balance_minor is not None:
        balance = format_minor(outcome.balance_minor, outcome.currency)
    return {
        "event_id": outcome.event_id,
        "status": str(outcome.status),
        "code": outcome.code or None,
        "balance": balance,
    }
