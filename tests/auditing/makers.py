"""Rounds and people that the auditor's tools are tried on."""

import itertools
from datetime import datetime, timedelta
from typing import Any

from django.test import Client

from apps.auditing.contracts import SampleRequest
from apps.core.populations import Narrowing
from apps.players.models import Player
from apps.providers.models import Game, Provider
from apps.rounds.models import Round
from apps.staff.models import User

DAY = timedelta(days=1)

_numbers = itertools.count(1)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def make_rounds(
    provider: Provider, player: Player, game: Game, count: int, *, at: datetime
) -> list[Round]:
    """Store settled rounds of 1.00 staked, a second apart."""
    return Round.objects.bulk_create(
        Round(
            provider=provider,
            round_ref=f"r-{next(_numbers)}",
            player=player,
            game=game,
            currency=player.currency,
            state="settled",
            stake_minor=100,
            win_minor=40,
            standing_events=1,
            opened_at=at + timedelta(seconds=number),
            settled_at=at + timedelta(seconds=number),
        )
        for number in range(count)
    )


def narrowing(now: datetime, **changes: Any) -> Narrowing:
    facts: dict[str, Any] = {"since": now - 30 * DAY, "until": now, "as_of": now}
    return Narrowing(**{**facts, **changes})


def sample_request(now: datetime, **changes: Any) -> SampleRequest:
    facts: dict[str, Any] = {
        "population": "rounds",
        "narrowing": narrowing(now),
        "size": 5,
        "seed": "2026-Q4",
        "purpose": "The games testing audit.",
    }
    return SampleRequest(**{**facts, **changes})
