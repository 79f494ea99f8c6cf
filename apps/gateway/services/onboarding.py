"""Loading a provider: its profile and key, its games, and the players with opening balances.

It stands here because it is the lowest place that sees providers, players and the ledger alike.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction

from apps.core.errors import DomainError
from apps.core.money import to_minor
from apps.players.contracts import PlayerRecord
from apps.players.enums import KycStatus
from apps.players.selectors import players_by_ref
from apps.players.services import add_players
from apps.providers.contracts import GameRecord, ProviderRecord
from apps.providers.enums import GameCategory, Protocol, WalletModel
from apps.providers.errors import ProviderFilesRefusedError
from apps.providers.services.catalogue import save_games, save_provider
from apps.wallet.contracts import House, PlayerPot, TransferRequest
from apps.wallet.enums import Pot, TransferKind
from apps.wallet.services.ledger import open_accounts, post_transfers

_REF = re.compile(r"[A-Za-z0-9_.:~-]{1,128}", re.ASCII)
_JURISDICTION = re.compile(r"[A-Z]{2}(-[A-Z]{2,4})?", re.ASCII)
_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)
_LARGEST_FILE = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load changed; all zero on a second run with the same files."""

    provider_code: str
    provider_is_new: bool
    key_is_new: bool
    games_new: int
    games_changed: int
    players_new: int
    balances_posted: int


@dataclass(slots=True)
class _Files:
    """What was read of the three files; ``problems`` names each bad row by file and line."""

    provider: ProviderRecord | None = None
    games: list[GameRecord] = field(default_factory=list)
    players: list[tuple[PlayerRecord, int]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class _BadRowError(Exception):
    pass


def load_provider(directory: Path, *, now: datetime) -> LoadReport:
    """Load ``provider.json``, ``games.csv`` and ``players.csv`` of a directory, all or nothing.

    Opening balances become transfers from the house account ``deposits``, once per player for
    ever. Loading again changes nothing; a changed game name, category or RTP is updated.

    Raises:
        ProviderFilesRefusedError: a file is missing or carries bad rows; nothing was loaded.
        PlayerMismatchError: a known player plays in another currency.
        IdempotencyConflictError: a player's opening balance differs from the one posted before.
    """
    files = _read(directory)
    if files.problems or files.provider is None:
        raise ProviderFilesRefusedError(files.problems)
    with transaction.atomic():
        saved = save_provider(files.provider, now=now)
        games_new, games_changed = save_games(saved.provider_id, files.games, now=now)
        players_new = add_players([record for record, _ in files.players], now=now)
        posted = _post_opening_balances(files.players, now=now)
    return LoadReport(
        provider_code=files.provider.code,
        provider_is_new=saved.is_new,
        key_is_new=saved.key_is_new,
        games_new=games_new,
        games_changed=games_changed,
        players_new=players_new,
        balances_posted=posted,
    )


def _post_opening_balances(players: list[tuple[PlayerRecord, int]], *, now: datetime) -> int:
    refs = players_by_ref(record.player_ref for record, _ in players)
    open_accounts([(ref.id, ref.currency) for ref in refs.values()])
    requests = [
        TransferRequest(
            idempotency_key=f"opening:{record.player_ref}",
            debit=House("deposits"),
            credit=PlayerPot(refs[record.player_ref].id, Pot.CASH),
            amount_minor=balance_minor,
            currency=record.currency,
            kind=TransferKind.OPENING_BALANCE,
            subject=f"player:{record.player_ref}",
            occurred_at=now,
        )
        for record, balance_minor in players
        if balance_minor > 0
    ]
    return post_transfers(requests, now=now) if requests else 0


def _read(directory: Path) -> _Files:
    files = _Files()
    files.provider = _read_provider(directory / "provider.json", files.problems)
    files.games = _read_rows(directory / "games.csv", _GAME_COLUMNS, _game, files.problems)
    files.players = _read_rows(directory / "players.csv", _PLAYER_COLUMNS, _player, files.problems)
    _refuse_repeats("games.csv", [game.game_code for game in files.games], files.problems)
    refs = [record.player_ref for record, _ in files.players]
    _refuse_repeats("players.csv", refs, files.problems)
    return files


def _refuse_repeats(name: str, keys: list[str], problems: list[str]) -> None:
    repeated = sorted(key for key, count in Counter(keys).items() if count > 1)
    problems.extend(f"{name}: {key} stands there more than once." for key in repeated)


def _text_of(path: Path, problems: list[str]) -> str | None:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            problems.append(f"{path.name}: larger than 50 MB.")
            return None
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        problems.append(f"{path.name}: the file is missing.")
    except (OSError, UnicodeDecodeError):
        problems.append(f"{path.name}: not a readable UTF-8 file.")
    return None


def _read_provider(path: Path, problems: list[str]) -> ProviderRecord | None:
    text = _text_of(path, problems)
    if text is None:
        return None
    try:
        return _provider(json.loads(text))
    except (ValueError, RecursionError):
        problems.append(f"{path.name}: not valid JSON.")
    except (_BadRowError, DomainError) as error:
        problems.append(f"{path.name}: {error}")
    return None


def _provider(parsed: Any) -> ProviderRecord:
    if not isinstance(parsed, dict):
        raise _BadRowError("not a JSON object")
    clocks = parsed.get("clock_tolerance", {})
    if not isinstance(clocks, dict):
        raise _BadRowError("clock_tolerance is not an object")
    zone = _word(parsed.get("reporting_timezone", "UTC"), "reporting_timezone")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # "America" is a directory
        raise _BadRowError(f"unknown time zone {zone!r:.70}") from None
    return ProviderRecord(
        code=_matching(_CODE, parsed.get("code"), "code"),
        name=_title(parsed.get("name")),
        protocol=_among(Protocol.values, parsed.get("protocol"), "protocol"),
        wallet_model=_among(WalletModel.values, parsed.get("wallet_model"), "wallet_model"),
        webhook_secret=_word(parsed.get("webhook_secret"), "webhook_secret"),
        reporting_timezone=zone,
        past_seconds=_whole(clocks.get("past_seconds", 172_800), "past_seconds", 60, 10_000_000),
        future_seconds=_whole(clocks.get("future_seconds", 300), "future_seconds", 0, 86_400),
        retention_months=_whole(parsed.get("retention_months", 12), "retention_months", 12, 240),
        settlement_hours=_whole(parsed.get("settlement_hours", 48), "settlement_hours", 1, 1_000),
        export_url=_word(parsed.get("export_url", ""), "export_url"),
        payload_url=_word(parsed.get("payload_url", ""), "payload_url"),
        export_token=_word(parsed.get("export_token", ""), "export_token"),
    )


_GAME_COLUMNS = ("game_code", "name", "category", "theoretical_rtp", "offered_in")
_PLAYER_COLUMNS = ("player_id", "currency", "opening_balance", "kyc_status", "jurisdiction")


def _read_rows[Row](
    path: Path,
    columns: tuple[str, ...],
    read: Callable[[dict[str, str]], Row],
    problems: list[str],
) -> list[Row]:
    text = _text_of(path, problems)
    if text is None:
        return []
    reader = csv.DictReader(text.splitlines(), strict=True)
    if tuple(reader.fieldnames or ()) != columns:
        problems.append(f"{path.name}: line 1: the columns must be {','.join(columns)}.")
        return []
    return list(_good_rows(path.name, reader, read, problems))


def _good_rows[Row](
    name: str,
    reader: "csv.DictReader[str]",
    read: Callable[[dict[str, str]], Row],
    problems: list[str],
) -> Iterator[Row]:
    try:
        for row in reader:
            if None in row or None in row.values():
                problems.append(f"{name}: line {reader.line_num}: wrong number of columns.")
                continue
            try:
                yield read(row)
            except (_BadRowError, DomainError) as error:
                problems.append(f"{name}: line {reader.line_num}: {error}")
    except csv.Error as error:
        problems.append(f"{name}: line {reader.line_num}: {error}.")


def _game(row: dict[str, str]) -> GameRecord:
    try:
        rtp = Decimal(row["theoretical_rtp"])
    except InvalidOperation:
        raise _BadRowError(f"theoretical_rtp {row['theoretical_rtp']!r:.40} is no number") from None
    if not rtp.is_finite() or not Decimal(0) < rtp <= 1 or rtp != round(rtp, 4):
        raise _BadRowError("theoretical_rtp must be above 0, at most 1, with up to 4 decimals")
    offered = [part.strip() for part in row["offered_in"].split(";") if part.strip()]
    return GameRecord(
        game_code=_matching(_REF, row["game_code"], "game_code"),
        name=_title(row["name"]),
        category=_among(GameCategory.values, row["category"], "category"),
        theoretical_rtp=rtp,
        offered_in=tuple(_matching(_JURISDICTION, part, "offered_in") for part in offered),
    )


def _player(row: dict[str, str]) -> tuple[PlayerRecord, int]:
    balance_minor = to_minor(row["opening_balance"], row["currency"])
    return (
        PlayerRecord(
            player_ref=_matching(_REF, row["player_id"], "player_id"),
            currency=row["currency"],
            jurisdiction=_matching(_JURISDICTION, row["jurisdiction"], "jurisdiction"),
            kyc_status=_among(KycStatus.values, row["kyc_status"], "kyc_status"),
        ),
        balance_minor,
    )


def _word(value: Any, name: str) -> str:
    if not isinstance(value, str) or len(value) > 200 or not value.isprintable():
        raise _BadRowError(f"{name} is missing or not a short printable text")
    return value


def _title(value: Any) -> str:
    title = _word(value, "name")
    if not title.strip() or len(title) > 128:
        raise _BadRowError("name is empty or longer than 128 characters")
    return title


def _matching(pattern: re.Pattern[str], value: Any, name: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _BadRowError(f"{name} {value!r:.60} is not of the expected form")
    return value


def _among(allowed: list[str], value: Any, name: str) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise _BadRowError(f"{name} {value!r:.60} is none of {', '.join(allowed)}")
    return value


def _whole(value: Any, name: str, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise _BadRowError(f"{name} must be a whole number from {least} to {most}")
    return value
