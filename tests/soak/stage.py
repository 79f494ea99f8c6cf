"""The product of one run: a database of its own, four providers, their players and sessions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.core.management import call_command
from django.db import connection

from apps.core.embedded.servers import ensure_servers
from apps.play.services import open_session
from apps.players.contracts import REHEARSAL_JURISDICTION, PlayerRecord
from apps.players.enums import KycStatus
from apps.players.selectors import players_by_ref
from apps.players.services import add_players
from apps.providers.contracts import ProviderRecord
from apps.providers.enums import Permission, Protocol, WalletModel, WhenUnavailable
from apps.providers.models import ProviderPolicy
from apps.providers.services.catalogue import save_provider
from apps.simulator.acceptance.setting_up import prepare
from apps.simulator.dialects.contract import Dialect, RunKey, Seat
from apps.simulator.dialects.registry import DIALECTS
from apps.wallet.contracts import House, PlayerPot, TransferRequest
from apps.wallet.enums import Pot, TransferKind
from apps.wallet.services.ledger import open_accounts, post_transfers
from tests.soak.plan import PROTOCOLS, SeatPlan, provider_code

HOUSE: Final = House("soak")
CLOCK_OFFSETS: Final[Mapping[str, timedelta]] = {
    "native": timedelta(seconds=-235),
    "swipe": timedelta(seconds=190),
    "hub88": timedelta(seconds=-120),
    "iplaygames": timedelta(seconds=235),
}
"""How far each provider's clock is off; our windows are five minutes."""


@dataclass(frozen=True, slots=True)
class Party:
    """One provider as the run needs it: how it speaks, what it signs with, who plays there."""

    protocol: str
    code: str
    dialect: Dialect
    key: RunKey
    seats: dict[str, Seat]
    plans: tuple[SeatPlan, ...]


def set_up(plans: list[SeatPlan]) -> list[Party]:
    """Migrate an empty database and put everything into it that the providers play with."""
    ensure_servers()
    call_command("migrate", interactive=False, verbosity=0)
    now = datetime.now(UTC)
    _add_players(plans, now)
    parties = [
        _add_party(protocol, [plan for plan in plans if plan.protocol == protocol], now)
        for protocol in PROTOCOLS
    ]
    connection.close()
    return parties


def _add_players(plans: list[SeatPlan], now: datetime) -> None:
    by_ref = {plan.player: plan for plan in plans}
    records = [
        PlayerRecord(plan.player, plan.currency, REHEARSAL_JURISDICTION, KycStatus.VERIFIED)
        for plan in by_ref.values()
    ]
    add_players(records, now=now)
    ids = {ref: player.id for ref, player in players_by_ref(list(by_ref)).items()}
    open_accounts([(ids[plan.player], plan.currency) for plan in by_ref.values()])
    post_transfers(
        [
            TransferRequest(
                idempotency_key=f"soak:opening:{plan.player}",
                debit=HOUSE,
                credit=PlayerPot(ids[plan.player], Pot.CASH),
                amount_minor=plan.opening_minor,
                currency=plan.currency,
                kind=TransferKind.OPENING_BALANCE,
                subject=f"player:{plan.player}",
                occurred_at=now,
                note="Soak",
            )
            for plan in by_ref.values()
        ],
        now=now,
    )


def _add_party(protocol: str, plans: list[SeatPlan], now: datetime) -> Party:
    dialect = DIALECTS[protocol]()
    code = provider_code(protocol)
    key = dialect.new_key()
    save_provider(
        ProviderRecord(
            code=code,
            name=f"Soak ({protocol})",
            protocol=dialect.protocol,
            wallet_model=WalletModel.HOLD,
            webhook_secret=key.registered,
            reporting_timezone="UTC",
            past_seconds=172_800,
            future_seconds=300,
            retention_months=12,
            settlement_hours=48,
            export_url="",
            payload_url="",
            export_token="",
        ),
        now=now,
    )
    if dialect.protocol == Protocol.NATIVE:
        policies = ProviderPolicy.objects.filter(provider__code=code)
        policies.update(
            when_unavailable=WhenUnavailable.SPOOL, stake_without_session=Permission.ALLOW
        )
    prepare(code, dialect, now=now)  # the games and their cover; its short-lived key goes unused
    game_code = dialect.game_codes[0]
    seats = {}
    for plan in plans:
        opened = open_session(
            player_ref=plan.player, provider_code=code, game_code=game_code, now=now
        )
        # Without the gameplay token: it ends within minutes, and its rules have their own tests.
        seats[plan.player] = Seat(plan.player, opened.public_id, plan.currency, game_code)
    return Party(protocol, code, dialect, key, seats, tuple(plans))
