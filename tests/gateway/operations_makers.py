"""Single operations of a seamless wallet, as an adapter would hand them to the judge."""

import hashlib
from dataclasses import replace
from typing import Any

from apps.gateway.contracts import ToJudge
from apps.gateway.services.apply import apply_deliveries
from apps.providers.contracts import CanonicalEvent, CanonicalQuery, Outcome, Parsed, Policy
from apps.providers.enums import Operation, Protocol
from apps.providers.models import Provider, ProviderPolicy
from tests.gateway.builders import NOW, SLOT, Casino


def operation(
    kind: Operation, event_id: str, amount_minor: int = 0, **changes: Any
) -> CanonicalEvent:
    """Return a stake, win, rollback or reward of the casino's player in round r-1."""
    event = CanonicalEvent(
        event_id=event_id,
        round_ref="r-1",
        player_ref="p-1001",
        occurred_at=NOW,
        bet_minor=amount_minor if kind == Operation.STAKE else 0,
        win_minor=amount_minor if kind in {Operation.WIN, Operation.REWARD} else 0,
        currency="AUD",
        game_code=SLOT,
        round_type="rollback" if kind == Operation.ROLLBACK else "base",
        balance_before_minor=None,
        balance_after_minor=None,
        finalized=False,
        reference_event_id="",
        promo_campaign="",
        promo_multiplier="",
        session_token="",
        fingerprint="",
        content={},
        operation=kind,
    )
    return replace(event, **changes)


def stake(event_id: str, amount_minor: int = 200, **changes: Any) -> CanonicalEvent:
    return operation(Operation.STAKE, event_id, amount_minor, **changes)


def win(event_id: str, amount_minor: int = 350, **changes: Any) -> CanonicalEvent:
    return operation(Operation.WIN, event_id, amount_minor, **changes)


def reward(event_id: str, amount_minor: int = 500, **changes: Any) -> CanonicalEvent:
    return operation(Operation.REWARD, event_id, amount_minor, **changes)


def rollback(event_id: str, target: str, **changes: Any) -> CanonicalEvent:
    return operation(Operation.ROLLBACK, event_id, reference_event_id=target, **changes)


def ask(casino: Casino, *messages: Parsed, is_swept: bool = False, **policy: Any) -> list[Outcome]:
    """Judge messages in one delivery, by a provider with this policy."""
    profile = replace(casino.profile, policy=Policy(**policy))
    delivery = ToJudge(
        profile,
        casino.now,
        None,
        tuple(sealed(message) for message in messages),
        is_swept=is_swept,
    )
    [judged] = apply_deliveries([delivery], casino.games, now=casino.now)
    return list(judged.outcomes)


def ask_one(casino: Casino, message: Parsed, **options: Any) -> tuple[str, str, int | None]:
    """Judge one message and return its status, code and balance."""
    [outcome] = ask(casino, message, **options)
    return str(outcome.status), outcome.code, outcome.balance_minor


def speak_iplaygames(casino: Casino) -> None:
    """Let the casino's provider speak the protocol whose messages never close a round.

    Its ids keep meaning what ``ask`` takes them to mean.
    """
    ProviderPolicy.objects.get_or_create(provider=casino.provider)
    Provider.objects.filter(pk=casino.provider.pk).update(protocol=Protocol.IPLAYGAMES)
    casino.provider.refresh_from_db()


def sealed[Message: Parsed](message: Message) -> Message:
    if not isinstance(message, CanonicalEvent) or message.fingerprint:
        return message
    digest = hashlib.sha256(repr(replace(message, session_ref="")).encode()).hexdigest()
    return replace(message, fingerprint=digest)


__all__ = [
    "CanonicalQuery",
    "ask",
    "ask_one",
    "reward",
    "rollback",
    "sealed",
    "speak_iplaygames",
    "stake",
    "win",
]
