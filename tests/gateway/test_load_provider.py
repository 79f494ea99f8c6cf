"""Loading a provider's files: all or nothing, and safe to repeat."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.core.errors import DomainError
from apps.gateway.services.onboarding import LoadReport, load_provider
from apps.players.models import Player
from apps.providers.errors import ProviderFilesRefusedError
from apps.providers.models import Game, Provider, ProviderKey
from apps.wallet.models import Account, Transfer
from tests.gateway.builders import NOW, SECRET_TEXT, assert_ledger_holds

PROVIDER = {
    "code": "aurora",
    "name": "Aurora Studios",
    "protocol": "native",
    "webhook_secret": SECRET_TEXT,
    "wallet_model": "hold",
    "reporting_timezone": "UTC",
    "clock_tolerance": {"future_seconds": 300, "past_seconds": 172_800},
    "retention_months": 12,
    "settlement_hours": 48,
}
GAMES = """game_code,name,category,theoretical_rtp,offered_in
aurora-slot-01,Aurora Slot 1,slot,0.9405,MT;AU-NT
aurora-slot-02,Aurora Slot 2,slot,0.9295,
"""
PLAYERS = """player_id,currency,opening_balance,kyc_status,jurisdiction
p-70000,AUD,31260.00,verified,AU-NT
p-70001,JPY,5000,pending,MT
p-70002,EUR,0.00,verified,MT
"""


@pytest.fixture
def folder(db: None, tmp_path: Path) -> Path:
    write(tmp_path)
    return tmp_path


def write(folder: Path, *, games: str = GAMES, players: str = PLAYERS, **changes: Any) -> None:
    (folder / "provider.json").write_text(json.dumps(PROVIDER | changes))
    (folder / "games.csv").write_text(games)
    (folder / "players.csv").write_text(players)


def assert_nothing_was_loaded() -> None:
    for model in (Provider, Game, Player, Account, Transfer, ProviderKey):
        assert not model._default_manager.exists(), model


def problems(folder: Path) -> list[str]:
    with pytest.raises(ProviderFilesRefusedError) as refused:
        load_provider(folder, now=NOW)
    assert_nothing_was_loaded()
    return refused.value.problems


def test_a_provider_its_games_and_its_players_with_money_are_loaded(folder: Path) -> None:
    assert load_provider(folder, now=NOW) == LoadReport(
        "aurora",
        provider_is_new=True,
        key_is_new=True,
        games_new=2,
        games_changed=0,
        players_new=3,
        balances_posted=2,
    )
    balances = Account.objects.filter(pot="cash").order_by("player__player_ref")
    assert [(a.currency, a.balance_minor) for a in balances] == [
        ("AUD", 3_126_000),
        ("JPY", 5_000),
        ("EUR", 0),
    ]
    assert_ledger_holds()


def test_loading_again_changes_nothing(folder: Path) -> None:
    load_provider(folder, now=NOW)
    assert load_provider(folder, now=NOW) == LoadReport(
        "aurora",
        provider_is_new=False,
        key_is_new=False,
        games_new=0,
        games_changed=0,
        players_new=0,
        balances_posted=0,
    )
    assert Transfer.objects.count() == 2


def test_a_changed_game_is_updated_with_history_and_a_new_secret_joins_the_old(
    folder: Path,
) -> None:
    load_provider(folder, now=NOW)
    write(
        folder,
        games=GAMES.replace("0.9405", "0.9500"),
        webhook_secret="whsec_" + "QUJD" * 8,
    )
    report = load_provider(folder, now=NOW)
    assert (report.games_changed, report.key_is_new) == (1, True)
    assert Game.objects.get(game_code="aurora-slot-01").history.count() == 2
    assert ProviderKey.objects.filter(state="active").count() == 2


@pytest.mark.parametrize(
    ("before", "after"), [("31260.00", "31260.01"), ("p-70000,AUD", "p-70000,EUR")]
)
def test_a_file_that_contradicts_what_stands_is_refused_whole(
    folder: Path, before: str, after: str
) -> None:
    load_provider(folder, now=NOW)
    players = PLAYERS.replace(before, after) + "p-9,AUD,1.00,verified,MT\n"
    write(folder, players=players)
    with pytest.raises(DomainError):
        load_provider(folder, now=NOW)
    assert not Player.objects.filter(player_ref="p-9").exists()
    assert Transfer.objects.count() == 2


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("p-1,AUD,1.005,verified,MT", "1.005"),
        ("p-1,JPY,1.0,verified,MT", "JPY"),
        ("p-1,XXX,1.00,verified,MT", "XXX"),
        ("p-1,aud,1.00,verified,MT", "aud"),
        ("p-1,AUD,-1.00,verified,MT", "-1.00"),
        ("p-1,AUD,1e3,verified,MT", "1e3"),
        ("p-1,AUD,99999999999999999999,verified,MT", "9999"),
        ("p 1,AUD,1.00,verified,MT", "player_id"),
        ("p-1,AUD,1.00,maybe,MT", "kyc_status"),
        ("p-1,AUD,1.00,verified,Malta", "jurisdiction"),
        ("p-1,AUD,1.00,verified", "columns"),
        ("p-1,AUD,1.00,verified,MT,more", "columns"),
    ],
)
def test_a_bad_player_row_is_named_by_file_and_line_and_nothing_is_loaded(
    folder: Path, row: str, problem: str
) -> None:
    write(folder, players=PLAYERS + row + "\n")
    [found] = problems(folder)
    assert found.startswith("players.csv: line 5: ")
    assert problem in found


@pytest.mark.parametrize(
    "row",
    [
        "g,Game,slot,1.0001,MT",
        "g,Game,slot,0,MT",
        "g,Game,slot,-0.5,MT",
        "g,Game,slot,0.94051,MT",
        "g,Game,slot,NaN,MT",
        "g,Game,slot,sNaN,MT",
        "g,Game,slot,1e999999999,MT",
        "g,Game,slot,1e-999999999,MT",
        "g,Game,slot,ninety,MT",
        "g,Game,poker,0.95,MT",
        "g,,slot,0.95,MT",
        "g," + "x" * 129 + ",slot,0.95,MT",
        "g,Ga\x00me,slot,0.95,MT",
        "a game,Game,slot,0.95,MT",
        "g,Game,slot,0.95,MT;nowhere",
    ],
)
def test_a_bad_game_row_is_named_by_file_and_line(folder: Path, row: str) -> None:
    write(folder, games=GAMES + row + "\n")
    [found] = problems(folder)
    assert found.startswith("games.csv: line 4: ")


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "Aurora"},
        {"code": "../aurora"},
        {"code": None},
        {"name": ""},
        {"name": "x" * 129},
        {"name": 5},
        {"protocol": "soap"},
        {"wallet_model": "wire"},
        {"reporting_timezone": "America"},
        {"reporting_timezone": "../../etc/passwd"},
        {"reporting_timezone": "x" * 150},
        {"reporting_timezone": "Mars/Olympus"},
        {"clock_tolerance": []},
        {"clock_tolerance": {"past_seconds": -1}},
        {"clock_tolerance": {"future_seconds": 1.5}},
        {"retention_months": 6},
        {"settlement_hours": True},
    ],
)
def test_a_bad_provider_file_is_refused_by_name(folder: Path, changes: dict[str, Any]) -> None:
    write(folder, **changes)
    [found] = problems(folder)
    assert found.startswith("provider.json: ")


@pytest.mark.parametrize("secret", ["", "short", "whsec_short", "no-prefix", "whsec_" + "A" * 8])
def test_a_malformed_secret_loads_nothing_and_is_not_shown(folder: Path, secret: str) -> None:
    write(folder, webhook_secret=secret)
    with pytest.raises(DomainError) as refused:
        load_provider(folder, now=NOW)
    assert not secret or secret not in str(refused.value)
    assert_nothing_was_loaded()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("provider.json", b"{"),
        ("provider.json", b"[]"),
        ("provider.json", b"[" * 100_000),
        ("provider.json", b"\xff\xfe"),
        ("games.csv", b""),
        ("games.csv", b"\xff\xfe\x00"),
        ("games.csv", b"game_code,name\n"),
        ("games.csv", b'game_code,name,category,theoretical_rtp,offered_in\n"open\n'),
        ("players.csv", b"player_id;currency\n"),
        ("players.csv", b"<html></html>"),
    ],
)
def test_a_file_that_is_something_else_is_refused_by_name(
    folder: Path, name: str, content: bytes
) -> None:
    (folder / name).write_bytes(content)
    assert all(found.startswith(f"{name}: ") for found in problems(folder))


def test_a_missing_file_and_repeated_rows_are_all_told_at_once(folder: Path) -> None:
    write(folder, games=GAMES + GAMES.split("\n")[1] + "\n")
    (folder / "players.csv").unlink()
    assert problems(folder) == [
        "players.csv: the file is missing.",
        "games.csv: aurora-slot-01 stands there more than once.",
    ]


def test_the_command_prints_what_it_did_and_what_it_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("load_provider", str(folder))
    said = capsys.readouterr().out
    assert "2 new games" in said
    assert "It is not live" in said
    assert "manage.py onboarding --provider aurora" in said
    write(folder, players=PLAYERS + "bad\n")
    with pytest.raises(CommandError, match=r"players.csv: line 5"):
        call_command("load_provider", str(folder))
