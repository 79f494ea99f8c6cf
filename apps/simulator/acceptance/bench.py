"""The operator's side of the acceptance kit: its own players, money and sessions, and a key.

Nothing of it touches a real player. Players are called ``acceptance-...`` and live in the
jurisdiction ``ZZ``, which is nobody's; their money comes from the house account ``acceptance`` and
goes back there. The games are the kit's own, offered in ``ZZ`` only.
"""

import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import connection, transaction

from apps.play.enums import SessionEnd
from apps.play.selectors import session_id_of
from apps.play.services import end_session, open_session
from apps.players.contracts import (
    REHEARSAL_JURISDICTION,
    ExclusionRequest,
    LimitRequest,
    PlayerRecord,
)
from apps.players.enums import ExclusionKind, KycStatus
from apps.players.selectors import player_by_ref, players_by_ref
from apps.players.services import add_players, exclude, set_limit
from apps.providers.contracts import Policy
from apps.providers.selectors.profiles import provider_profile_by_id
from apps.simulator.acceptance.bonus import BonusDesk
from apps.simulator.dialects.contract import Dialect, Seat
from apps.wallet.contracts import House, PlayerPot, TransferRequest
from apps.wallet.enums import Pot, TransferKind
from apps.wallet.play_models import play_model
from apps.wallet.selectors import balances, kinds_of_player
from apps.wallet.services.ledger import lock_wallets, open_accounts, post_transfers

MARK: Final = "acceptance"
CURRENCY: Final = "EUR"
HOUSE: Final = House(MARK)
REASON: Final = "Acceptance kit"
SELF_EXCLUSION: Final = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Books:
    """A test player's money by our ledger: what can be staked, what is held, and each line."""

    playable_minor: int
    held_minor: int
    pending_minor: int
    bonus_minor: int
    lines: Counter[str]


class Bench:
    """Prepares players for scenarios and reads the ledger about them."""

    def __init__(self, *, provider_id: int, provider_code: str, dialect: Dialect) -> None:
        self.provider_id = provider_id
        self.provider_code = provider_code
        self.dialect = dialect
        self.bonuses = BonusDesk()
        profile = provider_profile_by_id(provider_id)
        self.policy: Policy = replace(profile.policy, **dialect.demands)
        self.wallet_model = profile.wallet_model
        self.model = play_model(
            profile.wallet_model, provider_code, REHEARSAL_JURISDICTION, _now().date()
        )
        self._run = secrets.token_hex(4)
        self._seats = 0
        self._player_ids: dict[str, int] = {}

    def seat(self, balance_minor: int, *, second_game: bool = False) -> Seat:
        """Make a player with a balance, and launch a game of the provider."""
        self._seats += 1
        now = _now()
        ref = f"{MARK}-{self._run}-{self._seats}"
        record = PlayerRecord(ref, CURRENCY, REHEARSAL_JURISDICTION, KycStatus.VERIFIED)
        add_players([record], now=now)
        player_id = players_by_ref([ref])[ref].id
        self._player_ids[ref] = player_id
        open_accounts([(player_id, CURRENCY)])
        self.pay_in(ref, balance_minor)
        return self.launch(ref, second_game=second_game)

    def launch(self, player_ref: str, *, second_game: bool = False) -> Seat:
        """Open a session for a player who is there."""
        game_code = self.dialect.game_codes[1 if second_game else 0]
        opened = open_session(
            player_ref=player_ref,
            provider_code=self.provider_code,
            game_code=game_code,
            now=_now(),
        )
        return Seat(player_ref, opened.public_id, CURRENCY, game_code, opened.token)

    def pay_in(self, player_ref: str, amount_minor: int) -> None:
        """Give a player money from the kit's own house account."""
        self._transfer(player_ref, amount_minor, is_in=True)

    def take_out(self, player_ref: str, amount_minor: int) -> None:
        """Take money from a player, as a withdrawal would."""
        self._transfer(player_ref, amount_minor, is_in=False)

    def end_session(self, seat: Seat) -> None:
        """End a session as a log-out does."""
        end_session(
            session_id=session_id_of(seat.session_id),
            code=SessionEnd.LOGOUT,
            reason=REASON,
            now=_now(),
        )

    def self_exclude(self, seat: Seat) -> None:
        """Let a player exclude themselves, from now on."""
        now = _now()
        exclude(
            ExclusionRequest(
                player_id=self._player_ids[seat.player_ref],
                kind=ExclusionKind.SELF_EXCLUSION,
                source="player",
                asked_by=MARK,
                reason=REASON,
                ends_at=now + SELF_EXCLUSION,
            ),
            now=now,
        )

    def limit(self, seat: Seat, kind: str, amount_minor: int) -> None:
        """Let a player set a limit, which holds at once."""
        set_limit(
            LimitRequest(
                player_id=self._player_ids[seat.player_ref],
                kind=kind,
                source="player",
                asked_by=MARK,
                reason=REASON,
                amount_minor=amount_minor,
            ),
            now=_now(),
        )

    def grant_bonus(self, seat: Seat, deposit_minor: int) -> None:
        """Grant the kit's bonus to a player, as of just before.

        Some protocols tell time in whole seconds: a bet of this very second must come after it.
        """
        granted_at = _now() - timedelta(seconds=2)
        self.bonuses.grant(self._player_ids[seat.player_ref], deposit_minor, now=granted_at)

    def wagered_minor(self, seat: Seat) -> int:
        """Return what a player's bonus counts as wagered."""
        return self.bonuses.wagered_minor(self._player_ids[seat.player_ref])

    def books(self, seat: Seat) -> Books:
        """Return a player's money as the ledger has it now."""
        player_id = self._player_ids[seat.player_ref]
        pots = balances(player_id)
        return Books(
            playable_minor=self.model.stakeable_minor(pots, bonus_is_open=True),
            held_minor=pots.get(Pot.HELD, 0),
            pending_minor=pots.get(Pot.PENDING, 0),
            bonus_minor=pots.get(Pot.BONUS, 0),
            lines=Counter(kinds_of_player(player_id)),
        )

    @contextmanager
    def locked_out(self, seat: Seat) -> Iterator[None]:
        """Keep the gateway from a player's pots for a while, as a database in trouble does."""
        with transaction.atomic(), connection.cursor() as cursor:
            lock_wallets(cursor, player_ids=[self._player_ids[seat.player_ref]])
            yield

    def close(self) -> None:
        """Take the money of this run's players back."""
        for ref, player_id in self._player_ids.items():
            left = balances(player_id).get(self.model.main_pot, 0)
            if left:
                self.take_out(ref, left)

    def _transfer(self, player_ref: str, amount_minor: int, *, is_in: bool) -> None:
        if amount_minor == 0:
            return
        player_id = player_by_ref(player_ref).id
        pot = PlayerPot(player_id, self.model.main_pot)
        now = _now()
        request = TransferRequest(
            idempotency_key=f"{MARK}:{secrets.token_hex(12)}",
            debit=HOUSE if is_in else pot,
            credit=pot if is_in else HOUSE,
            amount_minor=amount_minor,
            currency=CURRENCY,
            kind=TransferKind.OPENING_BALANCE,
            subject=f"player:{player_ref}",
            occurred_at=now,
            note=REASON,
        )
        post_transfers([request], now=now)


def _now() -> datetime:
    return datetime.now(UTC)
