"""A small casino to send callbacks to: one provider, two games, players with money."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from apps.bonuses.models import WageringReceipt
from apps.core.money import format_minor, to_minor
from apps.gateway.contracts import Inbound, Judged
from apps.gateway.services.apply import Games
from apps.gateway.services.intake import read_callback, take_in
from apps.players.models import Player
from apps.promotions.models import PromoTag
from apps.providers.adapters.contract import CallbackRequest
from apps.providers.adapters.native.signing import checksum, sign
from apps.providers.contracts import ProviderProfile
from apps.providers.enums import KeyPurpose, Permission
from apps.providers.models import Game, Provider, ProviderKey
from apps.providers.selectors import games_by_code
from apps.providers.selectors.profiles import provider_profile
from apps.providers.services.policy import demand_policy
from apps.rounds.models import RoundEvent
from apps.wallet.contracts import House, PlayerPot, TransferRequest
from apps.wallet.enums import Pot, TransferKind
from apps.wallet.models import Account, Transfer
from apps.wallet.selectors import account_name, balances
from apps.wallet.services.ledger import open_accounts, post_transfers
from tests.factories import MADE_AT, make_game, make_player, make_provider

NOW = datetime(2026, 11, 18, 10, tzinfo=UTC)
SECRET = b"a shared secret for the tests..."
SECRET_TEXT = "whsec_" + base64.b64encode(SECRET).decode()
ORDER_SECRET = b"a secret that only orders know.."
ORDER_SECRET_TEXT = "whsec_" + base64.b64encode(ORDER_SECRET).decode()
SLOT = "aurora-reef"
TABLE = "aurora-blackjack-01"

type Event = dict[str, Any]
type Result = dict[str, Any]


def open_player(
    player_ref: str, *, cash_minor: int = 0, currency: str = "AUD", status: str = "active"
) -> Player:
    """Make a player with empty pots and an opening balance."""
    player = make_player(player_ref, currency=currency, status=status)
    open_accounts([(player.pk, currency)])
    if cash_minor:
        deposit(player, cash_minor, key=f"opening:{player_ref}")
    return player


def deposit(player: Player, cash_minor: int, *, key: str) -> None:
    request = TransferRequest(
        idempotency_key=key,
        debit=House("deposits"),
        credit=PlayerPot(player.pk, Pot.CASH),
        amount_minor=cash_minor,
        currency=player.currency,
        kind=TransferKind.DEPOSIT,
        subject=f"player:{player.player_ref}",
        occurred_at=NOW,
    )
    post_transfers([request], now=NOW)


def give_key(
    provider: Provider,
    *,
    kid: str = "k-1",
    secret: str = SECRET_TEXT,
    purpose: str = KeyPurpose.CALLBACKS,
) -> ProviderKey:
    return ProviderKey.objects.create(
        provider=provider,
        kid=kid,
        secret=secret,
        purpose=purpose,
        not_before=MADE_AT,
        created_at=MADE_AT,
    )


def give_order_key(provider: Provider, *, kid: str = "o-1", secret: str = "") -> ProviderKey:
    """Give a provider the key that our transfer orders are signed with."""
    secret = secret or ORDER_SECRET_TEXT
    return give_key(provider, kid=kid, secret=secret, purpose=KeyPurpose.ORDERS)


def signed_headers(
    body: bytes, *, at: datetime = NOW, secret: bytes = SECRET, message_id: str = "msg_1"
) -> dict[str, str]:
    timestamp = str(int(at.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": sign(secret, message_id, timestamp, body),
    }


@dataclass(slots=True)
class Casino:
    """Sends events as the provider would, keeping the provider's own book of balances."""

    provider: Provider
    player: Player
    now: datetime = NOW
    book: dict[str, int] = field(default_factory=dict)
    booked: set[str] = field(default_factory=set)
    undone: set[str] = field(default_factory=set)
    sent: dict[str, Event] = field(default_factory=dict)

    def event(self, event_id: str, **changes: Any) -> Event:
        """Return a final event of the casino's player: a bet of 2.00 that wins 3.50."""
        values = {
            "event_id": event_id,
            "player_id": self.player.player_ref,
            "timestamp": self.now.isoformat(),
            "bet_amount": "2.00",
            "win_amount": "3.50",
            "currency": "AUD",
            "game_code": SLOT,
            "round_type": "base",
            "finalized": True,
            **changes,
        }
        return {name: value for name, value in values.items() if value is not None}

    def tentative(self, event_id: str, round_id: str = "r-1", **changes: Any) -> Event:
        return self.event(event_id, **{"round_id": round_id, "finalized": False, **changes})

    def rollback(self, event_id: str, target: str, **changes: Any) -> Event:
        values = {
            "round_type": "rollback",
            "reference_event_id": target,
            "bet_amount": "0.00",
            "win_amount": "0.00",
            **changes,
        }
        return self.event(event_id, **values)

    def seal(self, event: Event) -> Event:
        """Fill in the provider's balances and the checksum, unless the test has set its own."""
        if "balance_after" not in event:
            before = self.book.get(event["player_id"], 0)
            after = before + self._change(event)
            currency = event["currency"]
            event["balance_before"] = format_minor(before, currency)
            event["balance_after"] = format_minor(after, currency)
        if "checksum" not in event:
            event["checksum"] = checksum(SECRET, event)
        return event

    def body(self, *events: Event) -> bytes:
        return json.dumps({"events": [self.seal(event) for event in events]}).encode()

    def inbound(self, body: bytes, *, at: datetime | None = None) -> Inbound:
        at = at or self.now
        request = CallbackRequest(
            method="POST",
            path="rounds",
            query="",
            headers=signed_headers(body, at=at),
            body=body,
            received_at=at,
        )
        return read_callback(self.profile, request, now=at)

    def send(self, *events: Event, at: datetime | None = None) -> list[Result]:
        """Deliver events in one callback and return the answers in order."""
        [judged] = take_in(
            [self.inbound(self.body(*events), at=at)], self.games, now=at or self.now
        )
        answer = results_of(judged)
        for event, result in zip(events, answer, strict=True):
            self._note(event, result)
        return answer

    def send_one(self, event: Event, *, at: datetime | None = None) -> Result:
        [result] = self.send(event, at=at)
        return result

    @property
    def profile(self) -> ProviderProfile:
        profile = provider_profile(self.provider.code)
        assert profile is not None
        return profile

    @property
    def games(self) -> Games:
        return {(self.provider.pk, c): g for c, g in games_by_code(self.provider.pk).items()}

    def pots(self, player: Player | None = None) -> dict[str, int]:
        return balances((player or self.player).pk)

    def stored(self, event_id: str) -> RoundEvent:
        return RoundEvent.objects.get(provider=self.provider, event_id=event_id)

    def _change(self, event: Event) -> int:
        if event["event_id"] in self.booked | self.undone:
            return 0
        if event["round_type"] == "rollback":
            target = event["reference_event_id"]
            if target in self.undone or target not in self.booked:
                return 0
            return -_net(self.sent[target])
        return _net(event)

    def _note(self, event: Event, result: Result) -> None:
        if result["status"] not in {"accepted", "tentative"}:
            return
        change = self._change(event)
        player_ref = event["player_id"]
        self.book[player_ref] = self.book.get(player_ref, 0) + change
        self.sent[event["event_id"]] = event
        self.booked.add(event["event_id"])
        if event["round_type"] == "rollback":
            self.undone.add(event["reference_event_id"])


def results_of(judged: Judged) -> list[Result]:
    """Return the results of a native answer, as the provider reads them."""
    results: list[Result] = json.loads(judged.response.body)["results"]
    return results


def _net(event: Event) -> int:
    currency = event["currency"]
    return to_minor(event["win_amount"], currency) - to_minor(event["bet_amount"], currency)


def open_casino(*, cash_minor: int = 10_000) -> Casino:
    """Make the provider aurora with a key, a slot and a table, and the player p-1001."""
    provider = make_provider("aurora")
    take_stakes_without_session(provider)
    give_key(provider)
    make_game(provider, SLOT)
    table = make_game(provider, TABLE)
    Game.objects.filter(pk=table.pk).update(category="blackjack")
    player = open_player("p-1001", cash_minor=cash_minor)
    return Casino(provider=provider, player=player, book={"p-1001": cash_minor})


def take_stakes_without_session(provider: Provider) -> None:
    """Let the provider's stakes name no session: most tests are about money, not about launches."""
    flags = {"stake_without_session": Permission.ALLOW}
    demand_policy(provider.code, flags, reason="Its players launch at the provider.", now=NOW)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def lines(subject: str) -> list[tuple[str, str, str, int]]:
    """Return the ledger lines of a subject as (kind, debit, credit, minor units)."""
    transfers = Transfer.objects.filter(subject=subject).select_related(
        "debit_account__player", "credit_account__player"
    )
    return [
        (t.kind, account_name(t.debit_account), account_name(t.credit_account), t.amount_minor)
        for t in transfers.order_by("pk")
    ]


def everything() -> dict[str, Any]:
    """Return all that money moves, to compare before and after a refusal."""
    return {
        "transfers": Transfer.objects.count(),
        "balances": list(Account.objects.order_by("pk").values_list("pk", "balance_minor")),
        "receipts": WageringReceipt.objects.count(),
        "tags": PromoTag.objects.count(),
    }


def assert_ledger_holds() -> None:
    """Assert what must be true at every moment: folds, sums and no negative pot."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.id, a.balance_minor, coalesce((SELECT sum(amount_minor) FROM wallet_transfer"
            " WHERE credit_account_id = a.id), 0) - coalesce((SELECT sum(amount_minor)"
            " FROM wallet_transfer WHERE debit_account_id = a.id), 0), a.player_id"
            " FROM wallet_account a"
        )
        rows = cursor.fetchall()
    for account_id, balance, folded, player_id in rows:
        if player_id is not None:
            assert balance == folded, f"account {account_id} is out of step"
            assert balance >= 0
        else:
            assert balance == 0
    assert sum(folded for _, _, folded, _ in rows) == 0
