"""Hub88-compatible and Caleta-compatible, put together: one language, two sets of paths."""

from typing import Final

from apps.providers.adapters.contract import SEAMLESS_FLAGS, Adapter
from apps.providers.adapters.hub88.parse import OPERATIONS, QUERIES, parse
from apps.providers.adapters.hub88.render import refuse, render
from apps.providers.adapters.hub88.signing import authenticate, may_be_signed, read_secret
from apps.providers.adapters.strict import named_in
from apps.providers.contracts import Policy
from apps.providers.enums import LateStake, Permission, Protocol, WinWithoutStake

DEFAULT_POLICY: Final = Policy(
    late_stake=LateStake.REFUSE,
    win_without_stake=WinWithoutStake.PROMO,
    # By the text a live lobby may change the game inside a session; the launch gate is asked.
    game_change=Permission.ALLOW,
)

HUB88: Final = Adapter(
    protocol=Protocol.HUB88,
    routes={path: frozenset({"POST"}) for path in (*QUERIES, *OPERATIONS)},
    kept_headers=(
        "content-type",
        "user-agent",
        "x-hub88-signature",
        "x-auth-signature",
        "x-msg-timestamp",
    ),
    read_secret=read_secret,
    may_be_signed=may_be_signed,
    authenticate=authenticate,
    message_id=lambda request: named_in(request.body, "request_uuid"),
    parse=parse,
    render=render,
    refuse=refuse,
    policy_flags=SEAMLESS_FLAGS | {"game_change"},
    default_policy=DEFAULT_POLICY,
)
