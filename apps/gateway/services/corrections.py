"""Approved corrections: they end in the same apply as every callback."""

import hashlib
from datetime import datetime

from apps.core.answer_codes import answer_words
from apps.core.money import format_minor
from apps.gateway.contracts import ToJudge
from apps.gateway.errors import CorrectionRefusedError, UnknownEventError
from apps.gateway.services.apply import apply_deliveries
from apps.providers.contracts import CanonicalEvent
from apps.providers.selectors.catalogue import games_by_code, provider_by_code
from apps.providers.selectors.profiles import provider_profile_by_id
from apps.rounds.enums import EventStatus, Origin, RoundType
from apps.rounds.selectors import event_by_id


def apply_correction(
    *,
    provider_code: str,
    event_id: str,
    amount_minor: int,
    approval_id: int,
    reason: str,
    now: datetime,
) -> str:
    """Credit a player's cash for a round event, once per approval; return the correction's id.

    The correction is an ``adjustment`` event of our own (``correction@<approval>``) in the round of
    the event it corrects; its ledger line carries that event as subject.

    Raises:
        UnknownEventError: there is no such event, or it belongs to no known player.
        CorrectionRefusedError: the amount is not positive, the event is parked and may still be
            booked itself, or intake would not take it.
    """
    original = event_by_id(provider_code, event_id)
    if original is None or original.player_id is None:
        raise UnknownEventError(f"There is no event '{event_id}' of {provider_code} to correct.")
    if amount_minor <= 0:
        raise CorrectionRefusedError("A correction credits a positive amount.")
    # A provider can't send "@" in an id, so it can neither take nor roll back one of ours.
    correction_id = f"correction@{approval_id}"
    event = CanonicalEvent(
        event_id=correction_id,
        round_ref=original.round_ref,
        player_ref=original.player_ref,
        occurred_at=now,
        bet_minor=0,
        win_minor=amount_minor,
        currency=original.currency,
        game_code=original.game_code,
        round_type=RoundType.ADJUSTMENT,
        balance_before_minor=0,
        balance_after_minor=0,
        finalized=True,
        reference_event_id=event_id,
        promo_campaign="",
        promo_multiplier="",
        session_token="",
        fingerprint=hashlib.sha256(
            f"{correction_id}|{provider_code}|{event_id}|{amount_minor}".encode()
        ).hexdigest(),
        content={"reason": reason},
    )
    provider = provider_by_code(provider_code)
    delivery = ToJudge(
        provider=provider_profile_by_id(provider.pk),
        received_at=now,
        delivery_id=None,
        parsed=(event,),
        origin=Origin.CORRECTION,
    )
    games = {(provider.pk, code): game for code, game in games_by_code(provider.pk).items()}
    [judged] = apply_deliveries([delivery], games, now=now)
    [outcome] = judged.outcomes
    if outcome.status not in {EventStatus.ACCEPTED, "duplicate"}:
        amount = format_minor(amount_minor, original.currency)
        raise CorrectionRefusedError(
            f"{amount} could not be credited: {answer_words(outcome.code)}."
        )
    return correction_id
