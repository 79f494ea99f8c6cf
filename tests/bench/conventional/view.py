import json
from datetime import UTC, datetime
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
from apps.providers.adapters.native.parse import parse_event
from apps.providers.adapters.native.signing import decode_secret, verify
from apps.providers.contracts import CanonicalEvent, WebhookKey
from apps.providers.models import Game, Provider, ProviderKey
from apps.rounds.models import BalanceDrift, Delivery, DeliveryVerdict, Round, RoundEvent
from apps.wallet.models import Account, Transfer


class EventSerializer(serializers.Serializer[Any]):
    event_id = serializers.CharField(max_length=128)
    round_id = serializers.CharField(max_length=128)
    player_id = serializers.CharField(max_length=128)
    timestamp = serializers.DateTimeField()
    bet_amount = serializers.DecimalField(max_digits=15, decimal_places=2)
    win_amount = serializers.DecimalField(max_digits=15, decimal_places=2)
    currency = serializers.CharField(max_length=3)
    game_code = serializers.CharField(max_length=128)
    round_type = serializers.ChoiceField(["base", "cascade", "rollback"])
    balance_before = serializers.DecimalField(max_digits=15, decimal_places=2)
    balance_after = serializers.DecimalField(max_digits=15, decimal_places=2)
    finalized = serializers.BooleanField()
    checksum = serializers.CharField(max_length=64)


class RoundsView(APIView):
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    def post(self, request: Request, provider_code: str) -> Response:
        body = request._request.body
        now = datetime.now(UTC)
        provider = Provider.objects.get(code=provider_code, is_active=True)
        keys = [
            WebhookKey(k.kid, decode_secret(k.secret), k.not_before, k.not_after)
            for k in ProviderKey.objects.filter(provider=provider, state="active")
        ]
        headers = {name.lower(): value for name, value in request.headers.items()}
        key = verify(
            keys, headers, body, now=now, tolerance_seconds=provider.envelope_tolerance_seconds
        )
        if key is None:
            raise AuthenticationFailed
        raw = json.loads(body)
        EventSerializer(data=raw).is_valid(raise_exception=True)
        event = parse_event(raw, [key.secret])
        if not isinstance(event, CanonicalEvent):
            raise serializers.ValidationError(event.code)
        with transaction.atomic():
            delivery = Delivery.objects.create(
                provider=provider,
                received_at=now,
                message_id=headers["webhook-id"],
                key_id=key.kid,
                path=request.path,
                headers=headers,
                body=body,
            )
            result = _apply(provider, event, delivery.pk, now)
            DeliveryVerdict.objects.create(
                delivery_id=delivery.pk, http_status=200, results=[result], judged_at=now
            )
        return Response({"results": [result]})


def _apply(
    provider: Provider, event: CanonicalEvent, delivery_id: int, now: datetime
) -> dict[str, Any]:
    existing = RoundEvent.objects.filter(provider=provider, event_id=event.event_id).first()
    if existing is not None:
        return _result(event, "duplicate", existing.balance_minor or 0)
    accounts = {
        account.pot: account
        for account in Account.objects.select_for_update()
        .filter(player__player_ref=event.player_ref)
        .order_by("pk")
    }
    cash = accounts["cash"]
    player_id = cash.player_id
    if player_id is None:
        raise serializers.ValidationError("unknown_player")
    game = Game.objects.get(provider=provider, game_code=event.game_code)
    round_row, _ = Round.objects.get_or_create(
        provider=provider,
        round_ref=event.round_ref,
        player_id=player_id,
        defaults={
            "game": game,
            "currency": event.currency,
            "state": "settled",
            "stake_minor": event.bet_minor,
            "win_minor": event.win_minor,
            "standing_events": 1,
            "opened_at": event.occurred_at,
            "settled_at": event.occurred_at,
        },
    )
    balance = cash.balance_minor - event.bet_minor + event.win_minor
    house, _ = Account.objects.get_or_create(
        player=None, house=f"gaming:{provider.code}", pot="", currency=event.currency
    )
    subject = f"{provider.code}:{event.event_id}"
    moves = (("stake", cash, house, event.bet_minor), ("win", house, cash, event.win_minor))
    for kind, debit, credit, amount in moves:
        if amount:
            Transfer.objects.create(
                idempotency_key=f"{subject}:{kind}",
                batch_id=uuid4(),
                debit_account=debit,
                credit_account=credit,
                amount_minor=amount,
                currency=event.currency,
                kind=kind,
                subject=subject,
                occurred_at=event.occurred_at,
                created_at=now,
            )
    Account.objects.filter(pk=cash.pk).update(
        balance_minor=F("balance_minor") - event.bet_minor + event.win_minor
    )
    drift = BalanceDrift.objects.filter(provider=provider, player_id=player_id).first()
    mismatch = event.balance_after_minor - balance != (drift.difference_minor if drift else 0)
    RoundEvent.objects.create(
        provider=provider,
        event_id=event.event_id,
        fingerprint=event.fingerprint,
        round=round_row,
        player_id=player_id,
        player_ref=event.player_ref,
        game=game,
        game_code=event.game_code,
        round_ref=event.round_ref,
        occurred_at=event.occurred_at,
        received_at=now,
        bet_minor=event.bet_minor,
        win_minor=event.win_minor,
        currency=event.currency,
        round_type=event.round_type,
        balance_before_minor=event.balance_before_minor,
        balance_after_minor=event.balance_after_minor,
        finalized=event.finalized,
        status="accepted",
        code="balance_mismatch" if mismatch else "",
        money_state="settled",
        balance_minor=balance,
        delivery_id=delivery_id,
    )
    return _result(event, "accepted", balance)


def _result(event: CanonicalEvent, status: str, balance_minor: int) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "status": status,
        "code": None,
        "balance": format_minor(balance_minor, event.currency),
    }
