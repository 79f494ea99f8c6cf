"""All that a player has set apart for a provider's games, back to the player's cash."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.core.services import record_audit
from apps.gateway.errors import NothingAtProviderError
from apps.gateway.services.game_transfers import cash_out_all
from apps.gateway.services.sub_wallets import MoneyOrder, cash_out_sub_wallet
from apps.players.selectors import player_by_id
from apps.staff.services.approvals import Person
from apps.wallet.contracts import GameTransferRef
from apps.wallet.play_models import sub_pot
from apps.wallet.selectors import balances


@dataclass(frozen=True, slots=True)
class CashedOut:
    """What was asked back: moved already, or a transfer that waits for its provider's answer."""

    amount_minor: int
    transfer: GameTransferRef | None


@transaction.atomic
def cash_out_player(
    *, player_id: int, provider_code: str, idempotency_key: str, now: datetime
) -> CashedOut:
    """Ask all back that a player has at a provider, whatever its wallet model is now.

    Our own sub-wallet moves at once. A provider's wallet is asked, once per key.

    Raises:
        NothingAtProviderError: the player has nothing there.
        DomainError: what ``cash_out_sub_wallet`` and ``transfer_out`` say against it.
    """
    currency = player_by_id(player_id).currency
    in_sub_wallet = balances(player_id).get(sub_pot(provider_code), 0)
    if in_sub_wallet:
        order = MoneyOrder(player_id, provider_code, in_sub_wallet, currency, idempotency_key)
        cash_out_sub_wallet(order, now=now)
        return CashedOut(in_sub_wallet, None)
    asked = cash_out_all(
        player_id=player_id,
        provider_code=provider_code,
        currency=currency,
        idempotency_key=idempotency_key,
        now=now,
    )
    if asked is None:
        raise NothingAtProviderError(f"The player has nothing at {provider_code}.")
    return CashedOut(asked.amount_minor, asked)


@transaction.atomic
def cash_out_by_staff(
    *, player_id: int, provider_code: str, acting_user: Person, reason: str, now: datetime
) -> CashedOut:
    """Ask all back for a player, by a person with a reason.

    Raises:
        NothingAtProviderError: the player has nothing there; a second press finds that.
        DomainError: as ``cash_out_player``.
    """
    key = f"staff:{player_id}:{provider_code}:{now.isoformat()}"
    done = cash_out_player(
        player_id=player_id, provider_code=provider_code, idempotency_key=key, now=now
    )
    record_audit(
        action="gateway.player.cashed_out",
        actor=acting_user,
        subject=f"player:{player_by_id(player_id).player_ref}",
        details={"provider": provider_code, "amount_minor": done.amount_minor},
        reason=reason,
        now=now,
    )
    return done
