"""What a client does to a game session beyond what play does by itself: fund it, leave an entry."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from apps.core.services import record_audit
from apps.operator_api.contracts import (
    Answer,
    Credentials,
    FundedLaunch,
    FundedSession,
    MoneyMoved,
)
from apps.operator_api.services.game_money import fund_session
from apps.operator_api.services.idempotency import answer_once
from apps.operator_api.services.money import require_may_play, transferable_minor
from apps.play.contracts import Admission, OpenedSession
from apps.play.enums import SessionEnd
from apps.play.services import admit, end_session, open_admitted

type Written = Callable[[Callable[[], MoneyMoved]], Answer]
"""Runs what moves the money and writes the answer about it, a final refusal too."""


def open_funded_session(launch: FundedLaunch, written: Written, *, now: datetime) -> FundedSession:
    """Open a session together with the money that is set apart for it: both, or neither.

    The money moves once per key. What a session hands out is stored nowhere, so a repeat can't be
    given the first one again: it is asked at the gate and gets a session of its own, on the money
    that moved the first time. A refused launch moves nothing and keeps no key.

    Raises:
        UnknownPlayerError, UnknownProviderError, UnknownGameError: as they say.
        LaunchRefusedError: the launch gate said no.
        InvalidAmountError: no amount that one transfer moves in the player's currency.
        RequestInFlightError, KeyReusedError: see ``answer_once``.
    """
    admission = admit(
        player_ref=launch.player_ref,
        provider_code=launch.provider_code,
        game_code=launch.game_code,
        now=now,
    )
    opened: list[OpenedSession] = []

    def move() -> MoneyMoved:
        session, moved = _open_with_money(launch, admission, now=now)
        opened.append(session)
        return moved

    funding = answer_once(launch.request, lambda: written(move), now=now)
    if funding.is_repeat and funding.is_success:
        opened.append(open_admitted(admission, now=now))
    return FundedSession(funding, opened[0] if opened else None)


@transaction.atomic
def _open_with_money(
    launch: FundedLaunch, admission: Admission, *, now: datetime
) -> tuple[OpenedSession, MoneyMoved]:
    player = admission.player
    amount_minor = transferable_minor(launch.amount, player.currency)
    require_may_play(player, now=now)
    session = open_admitted(admission, now=now)
    return session, fund_session(launch, player, session.public_id, amount_minor, now=now)


@transaction.atomic
def end_session_for_client(client: Credentials, *, session_id: int, now: datetime) -> None:
    """End a session for a client and write it to the audit chain; again, it changes nothing.

    Raises:
        UnknownSessionError: there is no such session.
    """
    ended = end_session(
        session_id=session_id,
        code=SessionEnd.LOGOUT,
        reason=f"Ended by {client.client_name}.",
        now=now,
    )
    if not ended:
        return
    record_audit(
        action="operator_api.session.ended",
        actor=None,
        subject=f"play.gamesession:{session_id}",
        details={
            "client_id": client.client_id,
            "token_id": client.token_id,
            "code": SessionEnd.LOGOUT.value,
        },
        now=now,
    )
