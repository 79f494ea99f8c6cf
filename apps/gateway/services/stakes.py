"""Why a new stake is refused. Asked of new stakes only; never of money back."""

from apps.gateway.services.book import Book
from apps.gateway.services.money import Purse
from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.providers.contracts import CanonicalEvent, ProviderProfile
from apps.providers.enums import Operation, Permission
from apps.rounds.contracts import RoundRow
from apps.rounds.enums import RoundType
from apps.wallet.contracts import Wallet


def may_be_new_stake(event: CanonicalEvent) -> bool:
    """Tell whether judging the event may ask for a refusal, which needs the player's state."""
    if event.operation == Operation.STAKE:
        return True
    is_played = event.bet_minor > 0 or event.round_type == RoundType.FREE_SPIN
    return event.operation == Operation.ROUND and not event.finalized and is_played


def starts_play(event: CanonicalEvent, found: RoundRow | None) -> bool:
    """Tell whether a tentative event is new play: a stake, or a free spin that no stake won.

    Free spins of a round that has a stake are that stake's own outcome, and money back.
    """
    if event.bet_minor > 0:
        return True
    return event.round_type == RoundType.FREE_SPIN and (found is None or found.stake_minor == 0)


def stake_refusal(book: Book, purse: Purse, event: CanonicalEvent) -> str:
    """Return the code that refuses this new stake, or an empty string.

    The player's standing comes first, since it is what support must tell; then what is switched
    off or not live yet, the session, caps and limits, the bonus and the funds.
    """
    player_id = purse.wallet.player_id
    now = purse.context.received_at
    provider = purse.context.provider
    problem = (
        _closed_to(book, purse, event)
        or _session_problem(book, provider, event)
        or _other_game_problem(book, purse, event)
    )
    if problem and not book.protection.standing(player_id, now):
        return problem
    return (
        book.protection.refusal(
            player_id,
            stake_minor=event.bet_minor,
            category=_category(book, purse, event),
            now=now,
            cycle_minor=_already_in_round(book, purse, event),
        )
        or _bonus_refusal(book, purse, event)
        or _funds_refusal(purse, event)
    )


def _bonus_refusal(book: Book, purse: Purse, event: CanonicalEvent) -> str:
    grant = book.wagering.get(purse.wallet.player_id)
    if grant is None or not grant.is_open_at(event.occurred_at):
        return ""
    in_cycle = _already_in_round(book, purse, event) + event.bet_minor
    return "max_bet" if grant.exceeds_max_bet(in_cycle) else ""


def _funds_refusal(purse: Purse, event: CanonicalEvent) -> str:
    lacks = purse.lacks_funds(event.bet_minor, event.occurred_at)
    return "insufficient_funds" if lacks else ""


def _category(book: Book, purse: Purse, event: CanonicalEvent) -> str:
    game = book.games.get((purse.context.provider.id, event.game_code))
    return game.category if game is not None else ""


def _already_in_round(book: Book, purse: Purse, event: CanonicalEvent) -> int:
    key = (purse.context.provider.id, event.round_ref, purse.wallet.player_id)
    found = book.rounds.get(key)
    return found.stake_minor if found is not None else 0


def is_rehearsal(wallet: Wallet) -> bool:
    """Tell whether this is a test player, of the place where nobody lives."""
    return wallet.jurisdiction == REHEARSAL_JURISDICTION


def _closed_to(book: Book, purse: Purse, event: CanonicalEvent) -> str:
    """Return why this player starts nothing new at the provider or in the game, or nothing."""
    provider = purse.context.provider
    if not provider.is_active:
        return "provider_off"
    if not provider.is_live and not is_rehearsal(purse.wallet):
        return "provider_not_live"
    game = book.games.get((provider.id, event.game_code))
    return "" if game is None or game.is_active else "unknown_game"


def _session_problem(book: Book, provider: ProviderProfile, event: CanonicalEvent) -> str:
    """Return why no stake may be placed in the session its token names, or an empty string.

    A token must be live, the player's own, and issued by this provider's launch, and no reality
    check overdue; whether a live lobby may change the game inside a session, and whether a stake
    may come without a token at all, is the contract's to say. Messages that name their session
    otherwise were held to it when they were resolved.
    """
    if not event.session_token:
        is_needed = provider.policy.stake_without_session == Permission.REFUSE
        is_unasked = event.operation == Operation.ROUND
        return "session_missing" if is_needed and is_unasked else ""
    session = book.live_sessions.get(event.session_token)
    issued_for = (event.player_ref, provider.id)
    if session is None or (session.player_ref, session.provider_id) != issued_for:
        return "session_expired"
    if session.is_paused:
        return "reality_check"
    is_held_to_game = provider.policy.game_change == Permission.REFUSE
    is_other_game = event.game_code != session.game_code
    return "session_mismatch" if is_held_to_game and is_other_game else ""


def changed_game(
    book: Book, provider: ProviderProfile, wallet: Wallet, event: CanonicalEvent
) -> tuple[int, str] | None:
    """Return the game and place to ask the launch gate about, or None where nothing changed.

    A session that ran out was let through too long ago to say anything of its own game.
    """
    session = book.live_sessions.get(event.session_token)
    launched = session.game_code if session is not None else event.launched_game
    game = book.games.get((provider.id, event.game_code))
    is_as_launched = launched in {"", event.game_code} and not event.is_past_session
    if game is None or is_as_launched:
        return None
    return game.id, wallet.jurisdiction


def _other_game_problem(book: Book, purse: Purse, event: CanonicalEvent) -> str:
    """Return why the session may not go on in another game than it was launched with, or nothing.

    What nobody asked the launch gate about is not served.
    """
    changed = changed_game(book, purse.context.provider, purse.wallet, event)
    return "" if changed is None or book.served.get(changed, False) else "game_not_served"
