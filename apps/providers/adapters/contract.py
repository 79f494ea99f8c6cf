"""What a protocol is to the rest of the product: pure functions from bytes to bytes.

An adapter package holds ``signing.py``, ``parse.py`` and ``render.py`` and puts them together as
one ``Adapter``; ``registry.py`` has a line for each. No ORM, no clock, no I/O in any of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from apps.providers.contracts import Outcome, Parsed, Policy, ProviderProfile, WebhookKey


class EnvelopeError(Exception):
    """An authentic body that can't be read at all; ``code`` says why, nothing was judged."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """A callback as it came in. ``path`` is what follows ``/callbacks/<provider>/``.

    ``headers`` have lower-case names; a repeated header arrives joined by a comma.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class CallbackResponse:
    """What goes back to the provider."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


type Authenticate = Callable[
    [Sequence[WebhookKey], CallbackRequest, int],
    WebhookKey | None,
]


SEAMLESS_FLAGS: Final = frozenset(
    {
        "unknown_rollback",
        "late_stake",
        "win_without_stake",
        "stake_after_close",
        "win_after_close",
        "rollback_after_win",
        "rollback_of_win",
        "zero_stake",
        "refund_amount",
        "round_scope",
        "transaction_scope",
        "repeated_balance",
        "refused_stake_replay",
        "free_rounds",
        "stake_settles",
    }
)
"""What a policy decides wherever stakes, wins and rollbacks come as messages of their own."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """One wire protocol.

    ``routes`` maps each path to the methods it takes. ``kept_headers`` are stored with a delivery.
    ``read_secret`` turns a key's stored text into what ``authenticate`` verifies with.
    ``may_be_signed`` looks at path and headers alone, before a body is read for a stranger: False
    where no key can have signed this. ``authenticate`` gets the active keys, the request and the
    tolerance of a signed time in seconds, and returns the key that signed, in constant time for
    each; it never raises.
    ``message_id`` names a delivery for people. ``parse`` turns an authentic request into messages
    or raises ``EnvelopeError``. ``render`` puts outcomes into the provider's words: it is called
    inside the transaction, so what can't be rendered is never booked. ``refuse`` answers what was
    not judged at all: ``unauthenticated``, ``too_large``, ``unavailable``, ``overloaded``,
    ``flooding`` (this provider alone sends too much at once), or the code of an ``EnvelopeError``;
    the status must make the provider do the safe thing.
    ``policy_flags`` names the flags of a policy that decide something in this protocol; what the
    others ask, its text has decided. ``default_policy`` is what a new provider starts with.
    ``closes_rounds``: its messages say that a round is over, so one that stays open lacks one.
    """

    protocol: str
    routes: Mapping[str, frozenset[str]]
    kept_headers: tuple[str, ...]
    read_secret: Callable[[str], bytes]
    may_be_signed: Callable[[CallbackRequest], bool]
    authenticate: Authenticate
    message_id: Callable[[CallbackRequest], str]
    parse: Callable[[ProviderProfile, CallbackRequest], tuple[Parsed, ...]]
    render: Callable[
        [ProviderProfile, CallbackRequest, Sequence[Parsed], Sequence[Outcome]], CallbackResponse
    ]
    refuse: Callable[[CallbackRequest | None, str], CallbackResponse]
    policy_flags: frozenset[str]
    default_policy: Policy = field(default_factory=Policy)
    closes_rounds: bool = True
