"""``manage.py run_provider``: the reference provider as a process of its own."""

from pathlib import Path
from typing import Any, override

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from apps.simulator.borealis.app import ProviderApp
from apps.simulator.borealis.home import (
    CODE,
    WALLET_CODE,
    open_home,
    open_wallet_home,
    read_players,
)
from apps.simulator.borealis.signing import secret_bytes
from apps.simulator.borealis.store import Store
from apps.simulator.borealis.wallet import GameWallet


class Command(BaseCommand):
    help = "Run the reference provider: plays rounds, sends callbacks, serves its round log."
    requires_system_checks = ()

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=settings.PITBOSS_PROVIDER_PORT)
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--home", type=Path, default=settings.PITBOSS_DATA_DIR / CODE)
        parser.add_argument("--seed", type=int, default=1, help="for the players and the games")
        parser.add_argument(
            "--gateway-url", default=f"http://127.0.0.1:{settings.PITBOSS_GATEWAY_PORT}"
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        home = open_home(options["home"], base_url=f"http://{host}:{port}", seed=options["seed"])
        store = Store(home.state_file, secret=home.secret, seed=options["seed"])
        store.introduce_players(read_players(home))
        callbacks = f"{options['gateway_url'].rstrip('/')}/callbacks"
        other = open_wallet_home(home.path / "wallet", base_url=f"http://{host}:{port}")
        wallet = GameWallet(
            Store(other.state_file, secret=other.secret, seed=options["seed"], plants=False),
            callback_url=f"{callbacks}/{WALLET_CODE}/rounds",
            secret=other.secret,
            order_secret=secret_bytes(other.order_secret),
        )
        app = ProviderApp(
            store,
            callback_url=f"{callbacks}/{CODE}/rounds",
            secret=home.secret,
            token=home.export_token,
            wallet=wallet,
        )
        try:
            uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False)
        finally:
            store.close()
            wallet.store.close()
