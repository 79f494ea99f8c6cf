"""Writing providers, their keys and their games."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from apps.core.history import find_or_add
from apps.core.services import publish
from apps.providers.adapters.registry import adapter_for
from apps.providers.contracts import GameRecord, ProviderRecord, SavedProvider
from apps.providers.enums import ProviderStage
from apps.providers.events import ProviderAdded
from apps.providers.models import Game, GameOffer, Provider, ProviderKey
from apps.providers.services.keys import key_facts, record_key
from apps.providers.services.policy import give_default_policy

_CHANGE_REASON = "Loaded from the provider's files"


@transaction.atomic
def save_provider(record: ProviderRecord, *, now: datetime) -> SavedProvider:
    """Add a provider with its first key; a known one keeps its settings and gains a new secret.

    A new provider is in onboarding: it is rehearsed with until two people take it live. Settings
    of a known provider are changed by staff, with a reason. A secret we do not hold yet becomes a
    further active key, so rotation never interrupts traffic.

    Raises:
        InvalidSecretError: the webhook secret is malformed.
    """
    secret = adapter_for(record.protocol).read_secret(record.webhook_secret)
    provider, is_new = find_or_add(
        Provider.objects.filter(code=record.code),
        _new_provider(record),
        reason=_CHANGE_REASON,
        now=now,
    )
    give_default_policy(provider, now=now)
    if is_new:
        publish(ProviderAdded(provider=provider.code), now=now)
    # The key's name is taken from its digest, so the same secret is the same key for ever.
    kid = f"k-{hashlib.sha256(secret).hexdigest()[:12]}"
    key, key_is_new = ProviderKey.objects.get_or_create(
        provider=provider,
        kid=kid,
        defaults={"secret": record.webhook_secret, "not_before": now, "created_at": now},
    )
    if key_is_new:
        details = {**key_facts(key), "through": "command line"}
        record_key("added", key, None, details, reason=_CHANGE_REASON, now=now)
    return SavedProvider(provider_id=provider.pk, is_new=is_new, key_is_new=key_is_new)


@transaction.atomic
def save_games(
    provider_id: int, records: Sequence[GameRecord], *, now: datetime
) -> tuple[int, int]:
    """Add new games and update changed ones, with history; return how many of each.

    A game that is no longer in the file stays: rounds and certificates refer to it.
    """
    known = {game.game_code: game for game in Game.objects.filter(provider_id=provider_id)}
    new = [_new_game(provider_id, record) for record in records if record.game_code not in known]
    changed = [
        known[record.game_code]
        for record in records
        if record.game_code in known and _update(known[record.game_code], record)
    ]
    bulk_create_with_history(new, Game, default_change_reason=_CHANGE_REASON, default_date=now)
    if changed:
        bulk_update_with_history(
            changed,
            Game,
            ["name", "category", "theoretical_rtp"],
            default_change_reason=_CHANGE_REASON,
            default_date=now,
        )
    ids = dict(Game.objects.filter(provider_id=provider_id).values_list("game_code", "pk"))
    GameOffer.objects.bulk_create(
        [
            GameOffer(game_id=ids[record.game_code], jurisdiction=jurisdiction)
            for record in records
            for jurisdiction in record.offered_in
        ],
        ignore_conflicts=True,
    )
    return len(new), len(changed)


def _new_provider(record: ProviderRecord) -> Provider:
    return Provider(
        code=record.code,
        name=record.name,
        protocol=record.protocol,
        wallet_model=record.wallet_model,
        reporting_timezone=record.reporting_timezone,
        past_seconds=record.past_seconds,
        future_seconds=record.future_seconds,
        retention_months=record.retention_months,
        settlement_hours=record.settlement_hours,
        export_url=record.export_url,
        payload_url=record.payload_url,
        export_token=record.export_token,
        stage=ProviderStage.ONBOARDING,
    )


def _new_game(provider_id: int, record: GameRecord) -> Game:
    return Game(
        provider_id=provider_id,
        game_code=record.game_code,
        name=record.name,
        category=record.category,
        theoretical_rtp=record.theoretical_rtp,
    )


def _update(game: Game, record: GameRecord) -> bool:
    before = (game.name, game.category, game.theoretical_rtp)
    game.name, game.category = record.name, record.category
    game.theoretical_rtp = record.theoretical_rtp
    return before != (game.name, game.category, game.theoretical_rtp)
