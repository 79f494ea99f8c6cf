import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.db.models import F
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.money import format_minor
from apps.providers.adapters.native.signing import checksum, decode_secret, verify
from apps.providers.contracts import WebhookKey
from apps.providers.models import Game, Provider, ProviderKey
from apps.rounds.models import BalanceDrift, Delivery, DeliveryVerdict, Round, RoundEvent
from apps.wallet.models import Account, Transfer

FRESH_SECONDS = 3.0


class EventSerializer(serializers.Serializer[Any]):
    event_id = serializers.CharField(max_length=128)
    round_id = serializers.CharField(max_length=128)
    player_id = serializers.CharField(max_length=128)
    timestamp = serializers.DateTimeField()
    bet_amount = serializers.DecimalField(max_digits=15, decimal_places=2, min_value=0)
    win_amount = serializers.DecimalField(max_digits=15, decimal_places=2, min_value=0)
    currency = serializers.CharField(max_length=3)
    game_code = serializers.CharField(max_length=128)
    round_type = serializers.ChoiceField(["base", "cascade", "rollback"])
    balance_before = serializers.DecimalField(max_digits=15, decimal_places=2)
    balance_after = serializers.DecimalField(max_digits=15, decimal_places=2)
    finalized = serializers.BooleanField()
    checksum = serializers.CharField(max_length=64)


class Catalogue:
    """A provider with its keys, games and house account: read again every few seconds."""

    def __init__(self, provider_code: str) -> None:
        self.read_at = time.monotonic()
        self.provider = Provider.objects.get(code=provider_code, is_active=True)
        self.keys = [
            WebhookKey(k.kid, decode_secret(k.secret), k.not_before, k.not_after)
            for k in ProviderKey.objects.filter(provider=self.provider, state="active")
        ]
        self.games = {game.game_code: game for game in Game.objects.filter(provider=self.provider)}
        self.houses: dict[str, Account] = {}

    def house(self, currency: str) -> Account:
        if currency not in self.houses:
            self.houses[currency], _ = Account.objects.get_or_create(
                player=None, house=f"gaming:{self.provider.code}", pot="", currency=currency
            )
        return self.houses[currency]


_catalogues: dict[str, Catalogue] = {}


def _catalogue(provider_code: str) -> Catalogue:
    found = _catalogues.get(provider_code)
    if found is None or time.monotonic() - found.read_at > FRESH_SECONDS:
        found = _catalogues[provider_code] = Catalogue(provider_code)
    return found


@dataclass(frozen=True)
class Event:
    """A validated event, in minor units."""

    fields: dict[str, Any]

    def minor(self, name: str) -> int:
        return int(self.fields[name] * 100)

    @cached_property
    def fingerprint(self) -> str:
        return hashlib.sha256("|".join(map(str, self.fields.values())).encode()).hexdigest()


class RoundsView(APIView):
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    def post(self, request: Request, provider_code: str) -> Response:
        body = request._request.body
        now = datetime.now(UTC)
        catalogue = _catalogue(provider_code)
        headers = {name.lower(): value for name, value in request.headers.items()}
        key = verify(
            catalogue.keys,
            headers,
            body,
            now=now,
            tolerance_seconds=catalogue.provider.envelope_tolerance_seconds,
        )
        if key is None:
            raise AuthenticationFailed
        event = _validated(json.loads(body), key.secret)
        with transaction.atomic():
            delivery = Delivery.objects.create(
                provider=catalogue.provider,
                received_at=now,
                message_id=headers["webhook-id"],
                key_id=key.kid,
                path=request.path,
                headers={
                    name: value for name, value in headers.items() if name.startswith("webhook-")
                },
                body=body,
            )
            result = _apply(catalogue, event, delivery.pk, now)
            DeliveryVerdict.objects.create(
                delivery_id=delivery.pk, http_status=200, results=[result], judged_at=now
            )
        return Response({"results": [result]})


def _validated(raw: Any, secret: bytes) -> Event:
    serializer = EventSerializer(data=raw)
    serializer.is_valid(raise_exception=True)
    if not hmac.compare_digest(checksum(secret, raw), raw["checksum"]):
        raise serializers.ValidationError("bad_checksum")
    return Event(serializer.validated_data)


def _apply(catalogue: Catalogue, event: Event, delivery_id: int, now: datetime) -> dict[str, Any]:
    """Apply an event once, under the lock on its player's cash."""
    fields, provider = event.fields, catalogue.provider
    cash = (
        Account.objects.select_for_update(of=("self",))
        .filter(player__player_ref=fields["player_id"], pot="cash")
        .first()
    )
    game = catalogue.games.get(fields["game_code"])
    if cash is None or cash.player_id is None or game is None:
        raise serializers.ValidationError("unknown_player_or_game")
    existing = RoundEvent.objects.filter(provider=provider, event_id=fields["event_id"]).first()
    if existing is not None:
        return _result(event, "duplicate", existing.balance_minor or 0)
    bet, win = event.minor("bet_amount"), event.minor("win_amount")
    balance = cash.balance_minor - bet + win
    round_row = _round(provider, event, cash.player_id, game)
    _move(catalogue, event, cash, now)
    mismatch = _note_drift(provider, event, cash.player_id, balance, now)
    RoundEvent.objects.create(
        provider=provider,
        event_id=fields["event_id"],
        fingerprint=event.fingerprint,
        round=round_row,
        player_id=cash.player_id,
        player_ref=fields["player_id"],
        game=game,
        game_code=fields["game_code"],
        round_ref=fields["round_id"],
        occurred_at=fields["timestamp"],
        received_at=now,
        bet_minor=bet,
        win_minor=win,
        currency=fields["currency"],
        round_type=fields["round_type"],
        balance_before_minor=event.minor("balance_before"),
        balance_after_minor=event.minor("balance_after"),
        finalized=fields["finalized"],
        status="accepted",
        code="balance_mismatch" if mismatch else "",
        money_state="settled",
        balance_minor=balance,
        delivery_id=delivery_id,
    )
    return _result(event, "accepted", balance, "balance_mismatch" if mismatch else None)


def _round(provider: Provider, event: Event, player_id: int, game: Game) -> Round:
    """Find or open the round; the player's lock is held, so no other can open it meanwhile."""
    found = Round.objects.filter(
        provider=provider, round_ref=event.fields["round_id"], player_id=player_id
    ).first()
    if found is not None:
        return found
    return Round.objects.create(
        provider=provider,
        round_ref=event.fields["round_id"],
        player_id=player_id,
        game=game,
        currency=event.fields["currency"],
        state="settled",
        stake_minor=event.minor("bet_amount"),
        win_minor=event.minor("win_amount"),
        standing_events=1,
        opened_at=event.fields["timestamp"],
        settled_at=event.fields["timestamp"],
    )


def _move(catalogue: Catalogue, event: Event, cash: Account, now: datetime) -> None:
    house = catalogue.house(event.fields["currency"])
    subject = f"{catalogue.provider.code}:{event.fields['event_id']}"
    bet, win = event.minor("bet_amount"), event.minor("win_amount")
    batch_id = uuid4()
    Transfer.objects.bulk_create(
        Transfer(
            idempotency_key=f"{subject}:{kind}",
            batch_id=batch_id,
            debit_account=debit,
            credit_account=credit,
            amount_minor=amount,
            currency=event.fields["currency"],
            kind=kind,
            subject=subject,
            occurred_at=event.fields["timestamp"],
            created_at=now,
        )
        for kind, debit, credit, amount in (
            ("stake", cash, house, bet),
            ("win", house, cash, win),
        )
        if amount
    )
    Account.objects.filter(pk=cash.pk).update(balance_minor=F("balance_minor") - bet + win)


def _note_drift(
    provider: Provider, event: Event, player_id: int, balance: int, now: datetime
) -> bool:
    """Tell whether the provider's balance moved away from ours, and remember by how much."""
    difference = event.minor("balance_after") - balance
    drift = BalanceDrift.objects.filter(provider=provider, player_id=player_id).first()
    if difference == (drift.difference_minor if drift else 0):
        return False
    changes = {
        "difference_minor": difference,
        "last_event_id": event.fields["event_id"],
        "changed_at": now,
    }
    if drift is None:
        BalanceDrift.objects.create(provider=provider, player_id=player_id, **changes)
    else:
        BalanceDrift.objects.filter(pk=drift.pk).update(**changes)
    return True


def _result(
    event: Event, status: str, balance_minor: int, code: str | None = None
) -> dict[str, Any]:
    return {
        "event_id": event.fields["event_id"],
        "status": status,
        "code": code,
        "balance": format_minor(balance_minor, event.fields["currency"]),
    }
