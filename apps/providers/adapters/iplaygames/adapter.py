"""iPlayGames-compatible (SDK 1.0.2), put together. The provider is given one address."""

from typing import Final

from apps.providers.adapters.contract import SEAMLESS_FLAGS, Adapter
from apps.providers.adapters.hmac_hex import read_secret
from apps.providers.adapters.iplaygames.parse import parse
from apps.providers.adapters.iplaygames.render import refuse, render
from apps.providers.adapters.iplaygames.signing import authenticate, may_be_signed
from apps.providers.adapters.strict import named_in
from apps.providers.contracts import Policy
from apps.providers.enums import (
    LateStake,
    Protocol,
    RepeatedBalance,
    RoundScope,
    StakeSettles,
    WinWithoutStake,
)

_POST: Final = frozenset({"POST"})

DEFAULT_POLICY: Final = Policy(
    late_stake=LateStake.REFUSE,
    win_without_stake=WinWithoutStake.PROMO,
    round_scope=RoundScope.GAME,
    repeated_balance=RepeatedBalance.CURRENT,
    stake_settles=StakeSettles.AT_ONCE,
)

IPLAYGAMES: Final = Adapter(
    protocol=Protocol.IPLAYGAMES,
    routes={"": _POST, "webhook": _POST},
    kept_headers=("content-type", "user-agent", "x-signature"),
    read_secret=read_secret,
    may_be_signed=may_be_signed,
    authenticate=authenticate,
    message_id=lambda request: named_in(request.body, "transaction_id"),
    parse=parse,
    render=render,
    refuse=refuse,
    policy_flags=SEAMLESS_FLAGS | {"game_change", "rollback_number"},
    default_policy=DEFAULT_POLICY,
    closes_rounds=False,
)
