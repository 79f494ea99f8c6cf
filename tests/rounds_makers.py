"""Play a few events through the real apply, so that tests stand on what the gateway writes."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from apps.gateway.contracts import ToJudge
from apps.gateway.services.apply import apply_deliveries
from apps.players.models import Player
from apps.providers.contracts import CanonicalEvent
from apps.providers.models import Provider
from apps.providers.selectors import games_by_code
from apps.providers.selectors.profiles import provider_profile_by_id
from apps.rounds.models import Delivery
from apps.wallet.contracts import House, PlayerPot, TransferRequest
from apps.wallet.enums import Pot, TransferKind
from apps.wallet.services.ledger import open_accounts, post_transfers


def fund(player: Player, amount_minor: int, now: datetime) -> None:
    """Open the player's accounts and deposit cash."""
    open_accounts([(player.pk, player.currency)])
    post_transfers(
        [
            TransferRequest(
                idempotency_key=f"deposit-{player.pk}",
                debit=House("deposits"),
                credit=PlayerPot(player.pk, Pot.CASH),
                amount_minor=amount_minor,
                currency=player.currency,
                kind=TransferKind.DEPOSIT,
                subject=f"deposit:{player.pk}",
                occurred_at=now,
            )
        ],
        now=now,
    )


def round_event(player: Player, event_id: str, now: datetime, **changes: Any) -> CanonicalEvent:
    event = CanonicalEvent(
        event_id=event_id,
        round_ref=event_id,
        player_ref=player.player_ref,
        occurred_at=now,
        bet_minor=200,
        win_minor=350,
        currency=player.currency,
        game_code="aurora-reef",
        round_type="base",
        balance_before_minor=0,
        balance_after_minor=0,
        finalized=True,
        reference_event_id="",
        promo_campaign="",
        promo_multiplier="",
        session_token="",
        fingerprint=f"{event_id:0>64}"[-64:],
        content={"event_id": event_id},
    )
    return replace(event, **changes)


def play(
    provider: Provider,
    events: list[CanonicalEvent],
    now: datetime,
    *,
    body: bytes = b"",
    key_id: str = "k1",
) -> Delivery:
    """Store one delivery with these events and apply it; return the delivery."""
    delivery = Delivery.objects.create(
        provider=provider,
        received_at=now,
        message_id=f"msg-{events[0].event_id}",
        key_id=key_id,
        path="/callbacks/aurora/rounds",
        headers={"webhook-id": f"msg-{events[0].event_id}"},
        body=body or b'{"event_id": "%s"}' % events[0].event_id.encode(),
    )
    games = {(provider.pk, code): game for code, game in games_by_code(provider.pk).items()}
    apply_deliveries(
        [ToJudge(provider_profile_by_id(provider.pk), now, delivery.pk, tuple(events))],
        games,
        now=now,
    )
    return delivery
