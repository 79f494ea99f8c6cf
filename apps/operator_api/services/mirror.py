"""Taking over what the operator's system says of a player; saying it again changes nothing."""

from datetime import datetime
from typing import Final

from django.db import transaction

from apps.core.money import exponent, to_minor
from apps.operator_api.contracts import MirroredPlayer, WantedExclusion, WantedLimit
from apps.play.enums import SessionEnd
from apps.play.services import end_sessions_of_player
from apps.players.contracts import (
    ExclusionRequest,
    LimitRequest,
    LimitUse,
    PlayerRef,
    PlayerUpdate,
)
from apps.players.enums import Source
from apps.players.errors import LimitUnchangedError, NoSuchLimitError
from apps.players.selectors import exclusions_in_force, limit_use, player_by_id, protection_reasons
from apps.players.services import exclude, save_player, set_limit
from apps.wallet.services.ledger import open_accounts

_REASON: Final = "The operator's system says so."


@transaction.atomic
def mirror_player(wanted: MirroredPlayer, *, client_name: str, now: datetime) -> PlayerRef:
    """Take over a player's standing, limits and exclusion; a new player gets accounts.

    Idempotent: a limit that stands or waits as asked for is left alone, so that its delay doesn't
    start anew, and so is an exclusion that holds at least as long. Limits not named stay as they
    are. Who may no longer play has all sessions ended.

    Raises:
        UnknownCurrencyError: no currency has this code.
        PlayerMismatchError: the player plays in another currency, which never changes.
        RehearsalPlaceError: the place is the rehearsals', where nobody lives.
        ProtectedStandingError: the player would become active while an exclusion holds.
        DomainError: a limit or exclusion is refused; nothing was changed at all.
    """
    # Accounts in a currency that has no minor unit could never be read again.
    exponent(wanted.currency)
    update = PlayerUpdate(
        player_ref=wanted.player_ref,
        currency=wanted.currency,
        jurisdiction=wanted.jurisdiction,
        kyc_status=wanted.kyc_status,
        status=wanted.status,
        date_of_birth=wanted.date_of_birth,
    )
    player = save_player(update, reason=f"({client_name})", now=now)
    open_accounts([(player.id, player.currency)])
    for limit in wanted.limits:
        _set_limit(player, limit, client_name, now=now)
    if wanted.exclusion is not None:
        _exclude(player, wanted.exclusion, client_name, now=now)
    player = player_by_id(player.id)
    if any(not reason.is_limit for reason in protection_reasons(player, now)):
        end_sessions_of_player(
            player_id=player.id,
            code=SessionEnd.PROTECTION,
            reason=f"The player may not play: {player.status}.",
            now=now,
        )
    return player


def _set_limit(player: PlayerRef, limit: WantedLimit, client_name: str, *, now: datetime) -> None:
    amount_minor = None if limit.amount is None else to_minor(limit.amount, player.currency)
    value = amount_minor if limit.minutes is None else limit.minutes
    own = [
        use
        for use in limit_use(player.id, now)
        if use.kind == limit.kind and use.source == Source.OPERATOR
    ]
    if _stands_or_waits(own, value, now):
        return
    request = LimitRequest(
        player_id=player.id,
        kind=limit.kind,
        source=Source.OPERATOR,
        asked_by=client_name,
        reason=_REASON,
        amount_minor=amount_minor,
        minutes=limit.minutes,
    )
    try:
        set_limit(request, now=now)
    except (LimitUnchangedError, NoSuchLimitError):
        return


def _stands_or_waits(own: list[LimitUse], value: int | None, now: datetime) -> bool:
    """Tell whether the last word on a limit, in force or waiting, is already what is wanted."""
    waiting = [use for use in own if use.effective_from > now]
    if waiting:
        return waiting[-1].allowed == value
    standing = [use for use in own if use.effective_until is None]
    if value is None:
        return bool(own) and not standing
    return bool(standing) and min(use.allowed for use in standing) == value


def _exclude(
    player: PlayerRef, wanted: WantedExclusion, client_name: str, *, now: datetime
) -> None:
    for standing in exclusions_in_force(player.id, now):
        # One whose end was asked for is cooling off: a new wish to be excluded must outlive it.
        if hasattr(standing, "end") and (wanted.ends_at is None or wanted.ends_at > now):
            continue
        if standing.kind == wanted.kind and (
            standing.ends_at is None
            or (wanted.ends_at is not None and standing.ends_at >= wanted.ends_at)
        ):
            return
    request = ExclusionRequest(
        player_id=player.id,
        kind=wanted.kind,
        source=Source.OPERATOR,
        asked_by=client_name,
        reason=_REASON,
        ends_at=wanted.ends_at,
    )
    exclude(request, now=now)
