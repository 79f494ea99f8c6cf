"""A provider with a wallet of its own, walked through: launch, money in, play, money out.

The way out is made to go wrong as it does in life: the provider obeys and answers when nobody
waits any more. What became of the money is then its word to the status question.
"""

import time
from dataclasses import asdict
from datetime import datetime
from typing import Final

from django.core.management import call_command

from apps.core.money import display_money
from apps.gateway.services.game_transfers import balance_at_provider, cash_out_all, transfer_in
from apps.gateway.services.sub_wallets import MoneyOrder
from apps.play.errors import LaunchRefusedError
from apps.play.services import open_session
from apps.players.contracts import REHEARSAL_JURISDICTION, PlayerRecord
from apps.players.enums import KycStatus
from apps.players.selectors import player_by_ref
from apps.players.services import add_players
from apps.providers.contracts import NewKey
from apps.providers.enums import KeyPurpose
from apps.providers.selectors import games_by_code, provider_by_code
from apps.providers.selectors.keys import order_keys
from apps.providers.services.addresses import Addresses, request_addresses
from apps.providers.services.keys import add_provider_key
from apps.simulator.acceptance.setting_up import cover_in_rehearsal
from apps.simulator.borealis.home import WALLET_CODE, WALLET_PATH, open_wallet_home
from apps.simulator.demo.provider_client import ProviderClient
from apps.simulator.demo.stage import Stage
from apps.simulator.demo.steps import Finding
from apps.simulator.errors import UndecidedTransferError
from apps.staff.services import approve
from apps.wallet.contracts import GameTransferRef, House, PlayerPot, TransferRequest
from apps.wallet.enums import GameTransferState, Pot, TransferKind
from apps.wallet.play_models import transferred_pot
from apps.wallet.selectors import balances, transfer_by_key
from apps.wallet.services.ledger import open_accounts, post_transfers

CURRENCY: Final = "AUD"
DEPOSIT_MINOR: Final = 100_000
STAKED_IN_MINOR: Final = 60_000
ROUNDS: Final = 12
PATIENCE_SECONDS: Final = 120
POT: Final = transferred_pot(WALLET_CODE)
_DECIDED: Final = {GameTransferState.CONFIRMED, GameTransferState.FAILED}


def play_there(stage: Stage) -> Finding:
    """Launch, have money moved to the provider, play from it, and ask for it back."""
    _prepare(stage)
    player_ref, player_id = _player(stage)
    _launch(player_ref, stage.clock())
    order = MoneyOrder(player_id, WALLET_CODE, STAKED_IN_MINOR, CURRENCY, _key(stage, "in"))
    transfer_in(order, now=stage.clock())
    _await_word(_key(stage, "in"))
    began = stage.clock()
    # The rounds need time to happen in, after the money came.
    time.sleep(1)
    provider = _provider(stage)
    run = provider.play(
        {
            "rounds": ROUNDS,
            "day": stage.today,
            "key": _key(stage, "play"),
            "after": began.isoformat(),
        },
        tell=stage.tell,
    )
    there = balance_at_provider(WALLET_CODE, player_ref, CURRENCY, stage.clock())
    ours = balances(player_id).get(POT, 0)
    provider.answer_late(1)
    cash_out_all(
        player_id=player_id,
        provider_code=WALLET_CODE,
        currency=CURRENCY,
        idempotency_key=_key(stage, "out"),
        now=stage.clock(),
    )
    is_blocked = not _may_launch(player_ref, stage.clock())
    return Finding(
        is_held=ours == there and is_blocked,
        text=f"{player_ref} played {run['rounds']} rounds from the provider's wallet; both books "
        f"say {display_money(there, CURRENCY)}. Asked back; the answer will come too late, and "
        "no launch before.",
        figures={"player": player_ref, "moved_in": STAKED_IN_MINOR, "there": there, "ours": ours},
    )


def settle_late_answer(stage: Stage) -> Finding:
    """See the status question decide what the late answer left open, to the cent."""
    player_id = player_by_ref(_ref(stage)).id
    asked = _await_word(_key(stage, "out"))
    cash = balances(player_id).get(Pot.CASH, 0)
    left = balances(player_id).get(POT, 0)
    there = balance_at_provider(WALLET_CODE, _ref(stage), CURRENCY, stage.clock())
    back = asked.amount_minor
    is_whole = cash == DEPOSIT_MINOR - STAKED_IN_MINOR + back and (left, there) == (0, 0)
    return Finding(
        is_held=is_whole and asked.attempts > 1 and asked.state == GameTransferState.CONFIRMED,
        text=f"{display_money(back, CURRENCY)} came back once, by the provider's word to attempt "
        f"{asked.attempts}; {display_money(cash, CURRENCY)} is cash again.",
        figures={**asdict(asked), "cash": cash},
    )


def _prepare(stage: Stage) -> None:
    """Load the provider, have two people enter its address, and give it a key for orders."""
    home = open_wallet_home(stage.home.path / "wallet", base_url=stage.stack.provider_url)
    with (stage.data_dir / "demo" / "wallet.log").open("w") as log:
        call_command("load_provider", str(home.path), verbosity=0, stdout=log)
    provider, now = provider_by_code(WALLET_CODE), stage.clock()
    address = f"{stage.stack.provider_url}{WALLET_PATH}"
    wanted = Addresses(f"{address}/export/rounds", f"{address}/rounds", address)
    if wanted != Addresses(provider.export_url, provider.payload_url, provider.transfer_url):
        approval_id = request_addresses(
            provider.pk,
            wanted,
            acting_user=stage.staff["integration"],
            reason="Where the provider's platform with wallets is.",
            now=now,
        )
        approver, reason = stage.staff["compliance"], "Compared with the contract."
        approve(approval_id=approval_id, user=approver, reason=reason, now=now)
    if not order_keys(provider.pk, now=now):
        key = NewKey(
            provider_id=provider.pk,
            kid="orders-1",
            secret=home.order_secret,
            not_before=now,
            not_after=None,
            end_others_at=None,
            purpose=KeyPurpose.ORDERS,
        )
        add_provider_key(key, reason="Agreed on with the provider.", now=now)
    codes = sorted(games_by_code(provider.pk))
    cover_in_rehearsal(provider.pk, WALLET_CODE, codes, now=now)


def _player(stage: Stage) -> tuple[str, int]:
    """Make a player of nobody's jurisdiction for this run, with cash."""
    ref, now = _ref(stage), stage.clock()
    record = PlayerRecord(ref, CURRENCY, REHEARSAL_JURISDICTION, KycStatus.VERIFIED)
    add_players([record], now=now)
    player_id = player_by_ref(ref).id
    open_accounts([(player_id, CURRENCY)])
    deposit = TransferRequest(
        idempotency_key=_key(stage, "deposit"),
        debit=House("deposits"),
        credit=PlayerPot(player_id, Pot.CASH),
        amount_minor=DEPOSIT_MINOR,
        currency=CURRENCY,
        kind=TransferKind.OPENING_BALANCE,
        subject=f"player:{ref}",
        occurred_at=now,
    )
    post_transfers([deposit], now=now)
    return ref, player_id


def _launch(player_ref: str, now: datetime) -> None:
    game_code = min(games_by_code(provider_by_code(WALLET_CODE).pk))
    open_session(player_ref=player_ref, provider_code=WALLET_CODE, game_code=game_code, now=now)


def _may_launch(player_ref: str, now: datetime) -> bool:
    """Tell whether a game could be launched; it can't while money is on its way."""
    try:
        _launch(player_ref, now)
    except LaunchRefusedError:
        return False
    return True


def _await_word(key: str) -> GameTransferRef:
    """Wait until the provider's word on a transfer is booked.

    Raises:
        UndecidedTransferError: it took longer than a few pauses between two questions.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = transfer_by_key(key)
        if found is not None and found.state in _DECIDED:
            return found
        if time.monotonic() > deadline:
            raise UndecidedTransferError(key)
        time.sleep(0.2)


def _provider(stage: Stage) -> ProviderClient:
    return ProviderClient(f"{stage.stack.provider_url}{WALLET_PATH}", stage.home.export_token)


def _ref(stage: Stage) -> str:
    return f"wallet-{stage.started_at:%m%d-%H%M%S}"


def _key(stage: Stage, what: str) -> str:
    return f"{stage.run_key}:wallet:{what}"
