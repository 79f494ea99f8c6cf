"""Swipe-Games-compatible (Public API 1.7.5 text), put together."""

from typing import Final

from apps.providers.adapters.contract import SEAMLESS_FLAGS, Adapter, CallbackRequest
from apps.providers.adapters.hmac_hex import read_secret
from apps.providers.adapters.strict import named_in
from apps.providers.adapters.swipe.parse import parse
from apps.providers.adapters.swipe.render import refuse, render
from apps.providers.adapters.swipe.signing import authenticate, may_be_signed
from apps.providers.contracts import Policy
from apps.providers.enums import FreeRounds, LateStake, Protocol, RoundScope, WinWithoutStake

_GET: Final = frozenset({"GET"})
_POST: Final = frozenset({"POST"})

DEFAULT_POLICY: Final = Policy(
    late_stake=LateStake.REFUSE,
    win_without_stake=WinWithoutStake.PROMO,
    round_scope=RoundScope.GAME,
    free_rounds=FreeRounds.TRACKING,
)


def _message_id(request: CallbackRequest) -> str:
    return named_in(request.body or request.query.encode(), "txID")


SWIPE: Final = Adapter(
    protocol=Protocol.SWIPE,
    routes={"balance": _GET, "bet": _POST, "win": _POST, "refund": _POST},
    kept_headers=("content-type", "user-agent", "x-request-sign"),
    read_secret=read_secret,
    may_be_signed=may_be_signed,
    authenticate=authenticate,
    message_id=_message_id,
    parse=parse,
    render=render,
    refuse=refuse,
    policy_flags=SEAMLESS_FLAGS,
    default_policy=DEFAULT_POLICY,
)
