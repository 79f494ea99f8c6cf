"""Withdrawing a game from a jurisdiction, and putting it back."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from apps.core.reasons import require_reason
from apps.core.services import publish, record_audit
from apps.providers.errors import NotOfferedError, OfferWithdrawnError
from apps.providers.events import OfferWithdrawn
from apps.providers.models import Game, GameOffer, OfferWithdrawal

if TYPE_CHECKING:
    from apps.staff.models import User


@transaction.atomic
def withdraw_offer(
    *, game_id: int, jurisdiction: str, acting_user: "User", reason: str, now: datetime
) -> OfferWithdrawal:
    """Stop offering a game in a jurisdiction: nothing is launched or renewed from now on.

    Sessions that run there are ended by whoever listens, within moments: they take no new stake,
    and what was staked is settled as its provider says. Nothing of the register changes.

    Raises:
        ReasonRequiredError: as it says.
        NotOfferedError: the game is not offered there.
        OfferWithdrawnError: it is withdrawn already.
    """
    _require(reason)
    game = _lock(game_id, jurisdiction)
    if _open(game_id, jurisdiction) is not None:
        raise OfferWithdrawnError(f"{game} is withdrawn in {jurisdiction} already.")
    withdrawal = OfferWithdrawal.objects.create(
        game=game,
        jurisdiction=jurisdiction,
        withdrawn_at=now,
        reason=reason,
        withdrawn_by=acting_user,
    )
    publish(
        OfferWithdrawn(withdrawal_id=withdrawal.pk, game_id=game_id, jurisdiction=jurisdiction),
        now=now,
    )
    _audit("withdrawn", withdrawal, acting_user, reason, now=now)
    return withdrawal


@transaction.atomic
def restore_offer(
    *, game_id: int, jurisdiction: str, acting_user: "User", reason: str, now: datetime
) -> OfferWithdrawal:
    """Offer a withdrawn game again; what covers it, and the law, are asked as before.

    Raises:
        ReasonRequiredError: as it says.
        NotOfferedError: the game is not in the catalogue there, or was not withdrawn.
    """
    _require(reason)
    game = _lock(game_id, jurisdiction)
    withdrawal = _open(game_id, jurisdiction)
    if withdrawal is None:
        raise NotOfferedError(f"{game} is not withdrawn in {jurisdiction}.")
    withdrawal.restored_at = max(now, withdrawal.withdrawn_at)
    withdrawal.restored_by, withdrawal.restore_reason = acting_user, reason
    withdrawal.save(update_fields=["restored_at", "restored_by", "restore_reason"])
    _audit("restored", withdrawal, acting_user, reason, now=now)
    return withdrawal


def _require(reason: str) -> None:
    require_reason(reason)


def _lock(game_id: int, jurisdiction: str) -> Game:
    """Order what is decided of one game.

    Raises:
        NotOfferedError: it is not in the catalogue there.
    """
    game = Game.objects.select_for_update().filter(pk=game_id).first()
    is_offered = GameOffer.objects.filter(game_id=game_id, jurisdiction=jurisdiction).exists()
    if game is None or not is_offered:
        raise NotOfferedError(f"The catalogue offers no such game in {jurisdiction}.")
    return game


def _open(game_id: int, jurisdiction: str) -> OfferWithdrawal | None:
    return OfferWithdrawal.objects.filter(
        game_id=game_id, jurisdiction=jurisdiction, restored_at=None
    ).first()


def _audit(
    what: str,
    withdrawal: OfferWithdrawal,
    acting_user: AbstractBaseUser,
    reason: str,
    *,
    now: datetime,
) -> None:
    record_audit(
        action=f"providers.offer.{what}",
        actor=acting_user,
        subject=f"game:{withdrawal.game_id}",
        details={"withdrawal_id": withdrawal.pk, "jurisdiction": withdrawal.jurisdiction},
        reason=reason,
        now=now,
    )
