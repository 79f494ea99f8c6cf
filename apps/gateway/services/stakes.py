"""Why a new stake is refused. Asked of tentative stakes only; never of money back."""

from apps.gateway.services.book import Book
from apps.gateway.services.money import Purse
from apps.providers.contracts import CanonicalEvent


def stake_refusal(book: Book, purse: Purse, event: CanonicalEvent) -> str:
    """Return the code that refuses this new stake, or an empty string."""
    wallet = purse.wallet
    limit = book.wager_limits.get(wallet.player_id)
    grant = book.wagering.get(wallet.player_id)
    staked = book.staked.get(wallet.player_id, 0)
    checks = (
        ("player_blocked", wallet.player_status != "active"),
        ("session_expired", not _session_is_live(book, purse.context.provider.id, event)),
        ("limit_reached", limit is not None and staked + event.bet_minor > limit),
        (
            "max_bet",
            grant is not None
            and grant.is_open_at(event.occurred_at)
            and grant.exceeds_max_bet(event.bet_minor),
        ),
        ("insufficient_funds", event.bet_minor > purse.stakeable_minor(event.occurred_at)),
    )
    return next((code for code, applies in checks if applies), "")


def _session_is_live(book: Book, provider_id: int, event: CanonicalEvent) -> bool:
    """Tell whether a new stake may be placed in the session its token names.

    Without a token there is no session to check. A token must be live, the player's own, and
    issued by this provider's launch; a live lobby may change the game inside a session.
    """
    if not event.session_token:
        return True
    session = book.live_sessions.get(event.session_token)
    return session is not None and (session.player_ref, session.provider_id) == (
        event.player_ref,
        provider_id,
    )
