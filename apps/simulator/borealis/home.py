"""The reference provider's own directory: who it is, its games, its players.

Made once, with a secret of its own for each installation: no secret lies in the repository. The
files have the shape that ``manage.py load_provider`` reads.
"""

import base64
import csv
import json
import os
import random
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any, Final

from apps.core.money import exponent, format_minor, to_minor
from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.simulator.borealis.rounds import PlayerMirror
from apps.simulator.borealis.signing import secret_bytes
from apps.simulator.games.catalogue import CATALOGUE
from apps.simulator.games.game import Game

CODE: Final = "borealis"
WALLET_CODE: Final = "borealis-wallet"
WALLET_PATH: Final = "/wallet"
"""The same company's other platform, on which players have a wallet at the provider."""
PLAYERS: Final = 120
FIRST_PLAYER_NUMBER: Final = 80_000
REGULAR_PLAYER: Final = f"p-{FIRST_PLAYER_NUMBER}"
CURRENCIES: Final = ("AUD",) * 6 + ("EUR",) * 2 + ("NZD", "JPY")
JURISDICTIONS: Final = ("MT", "MT", "IM")
OFFERED_IN: Final = "MT;IM"
GAME_COLUMNS: Final = ("game_code", "name", "category", "theoretical_rtp", "offered_in")
PLAYER_COLUMNS: Final = ("player_id", "currency", "opening_balance", "kyc_status", "jurisdiction")


@dataclass(frozen=True, slots=True)
class ProviderHome:
    """An existing home directory, read."""

    path: Path
    secret: bytes
    export_token: str
    order_secret: str = ""
    """The text that orders to its wallets are signed with, where it has any."""

    @property
    def state_file(self) -> Path:
        return self.path / "state.sqlite3"


def catalogue_rtp(game: Game) -> str:
    """Return the game's exact return as the catalogue prints it: four decimals."""
    exact = game.paytable.theoretical_rtp()
    rounded = (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(
        Decimal("0.0001"), ROUND_HALF_EVEN
    )
    return str(rounded)


def open_home(path: Path, *, base_url: str, seed: int) -> ProviderHome:
    """Read the home directory, making it first where there is none.

    The address of the provider's API is written at every start, since the port may change; the
    secret, the token and the players stay.
    """
    path.mkdir(parents=True, exist_ok=True)
    if not (path / "players.csv").exists():
        players = _players(random.Random(seed))  # noqa: S311 - play money
        _write_csv(path / "players.csv", PLAYER_COLUMNS, players)
    _write_csv(path / "games.csv", GAME_COLUMNS, _games(OFFERED_IN))
    return _identified(path, base_url, _new_identity)


def open_wallet_home(path: Path, *, base_url: str) -> ProviderHome:
    """Read the home of the platform with wallets, making it first where there is none.

    It is rehearsed with: its games are offered in nobody's jurisdiction, and it knows no player
    before money comes.
    """
    path.mkdir(parents=True, exist_ok=True)
    _write_csv(path / "players.csv", PLAYER_COLUMNS, [])
    _write_csv(path / "games.csv", GAME_COLUMNS, _games(REHEARSAL_JURISDICTION))
    return _identified(path, f"{base_url}{WALLET_PATH}", _new_wallet_identity)


def _identified(path: Path, base_url: str, new: Callable[[], dict[str, Any]]) -> ProviderHome:
    document = path / "provider.json"
    known = json.loads(document.read_text()) if document.exists() else new()
    identity: dict[str, Any] = {
        **known,
        "export_url": f"{base_url}/export/rounds",
        "payload_url": f"{base_url}/rounds",
    }
    _write_private(document, json.dumps(identity, indent=1) + "\n")
    return ProviderHome(
        path=path,
        secret=secret_bytes(identity["webhook_secret"]),
        export_token=identity["export_token"],
        order_secret=identity.get("order_secret", ""),
    )


def read_players(home: ProviderHome) -> list[PlayerMirror]:
    """Return the players with their opening balances, in the file's order."""
    with (home.path / "players.csv").open(newline="") as file:
        return [
            PlayerMirror(
                row["player_id"], row["currency"], to_minor(row["opening_balance"], row["currency"])
            )
            for row in csv.DictReader(file)
        ]


def _new_identity() -> dict[str, Any]:
    return {
        "code": CODE,
        "name": "Borealis Reference Games",
        "protocol": "native",
        "webhook_secret": _new_secret(),
        "export_token": secrets.token_urlsafe(24),
        "wallet_model": "hold",
        "reporting_timezone": "UTC",
        "clock_tolerance": {"future_seconds": 300, "past_seconds": 172800},
        "retention_months": 12,
        "settlement_hours": 48,
    }


def _new_wallet_identity() -> dict[str, Any]:
    return {
        **_new_identity(),
        "code": WALLET_CODE,
        "name": "Borealis Wallet Games",
        "wallet_model": "transfer",
        "order_secret": _new_secret(),
    }


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _games(offered_in: str) -> list[dict[str, str]]:
    return [
        {
            "game_code": game.code,
            "name": game.name,
            "category": game.category,
            "theoretical_rtp": catalogue_rtp(game),
            "offered_in": offered_in,
        }
        for game in CATALOGUE
    ]


def _players(draw: random.Random) -> list[dict[str, str]]:
    rows = []
    for number in range(PLAYERS):
        currency = CURRENCIES[number % len(CURRENCIES)]
        main_units = draw.randrange(10_000, 90_000)
        opening_minor = main_units * 10 ** exponent(currency)
        rows.append(
            {
                "player_id": f"p-{FIRST_PLAYER_NUMBER + number}",
                "currency": currency,
                "opening_balance": format_minor(opening_minor, currency),
                "kyc_status": "pending" if number % 40 == 39 else "verified",
                "jurisdiction": JURISDICTIONS[number % len(JURISDICTIONS)],
            }
        )
    return rows


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    partial.replace(path)


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    partial = path.with_suffix(".partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    partial.replace(path)
