"""The command: green and 0, red and 1, and nobody else's money touched."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.providers.models import ProviderKey, ProviderPolicy
from apps.simulator.acceptance.kit import ALL, Kit
from apps.simulator.acceptance.scenario import Colour
from apps.simulator.acceptance.setting_up import make_acceptance_provider, prepare
from apps.simulator.dialects.registry import DIALECTS
from apps.wallet.models import Account, Transfer
from apps.wallet.services.proof import verify_ledger
from tests.acceptance.conftest import Stand
from tests.local_server import QuietHandler, serving

BROKEN = {
    "unknown_rollback": ("hub88", "not_found", 7),
    "round_scope": ("swipe", "provider", 51),
    "free_rounds": ("swipe", "per_spin", 23),
    "game_change": ("caleta", "refuse", 49),
}
"""Flags set against the protocol's own text, and the scenario that must be red for it."""


def run(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the command and return its exit status and its report."""
    out, status = StringIO(), 0
    try:
        call_command("acceptance", *arguments, "--json", stdout=out)
    except SystemExit as ended:
        status = int(str(ended.code))
    report: dict[str, Any] = json.loads(out.getvalue())
    return status, report


def test_a_run_is_green_twice_and_leaves_the_books_in_order(stand: Stand) -> None:
    for _ in range(2):
        status, report = run(
            "--provider", "acceptance-native", "--to", stand.url, "--only", "1,7,9,30"
        )
        assert (status, report["is_green"], report["is_whole"]) == (0, True, False)
        assert report["counts"] == {"green": 4, "red": 0, "not proven": 0, "does not apply": 0}
        assert (report["protocol"], report["dialect"]) == ("native", "native")
        assert [one["number"] for one in report["scenarios"]] == [1, 7, 9, 30]
    assert verify_ledger().problems == ()


def test_only_the_kits_own_players_are_touched_and_their_money_goes_back(stand: Stand) -> None:
    run("--provider", "acceptance-native", "--to", stand.url, "--only", "1")
    players = Account.objects.filter(player__isnull=False)
    refs = set(players.values_list("player__player_ref", flat=True))
    assert all(ref.startswith("acceptance-") for ref in refs)
    houses = set(
        Transfer.objects.filter(debit_account__house__gt="").values_list(
            "debit_account__house", flat=True
        )
    )
    assert "deposits" not in houses


def test_the_key_of_a_run_ends_by_itself_and_no_other_key_is_read(stand: Stand) -> None:
    before = set(ProviderKey.objects.values_list("pk", flat=True))
    run("--provider", "acceptance-native", "--to", stand.url, "--only", "1")
    (key,) = ProviderKey.objects.exclude(pk__in=before)
    assert key.kid.startswith("acceptance-")
    assert key.not_after is not None
    assert 0 < (key.not_after - key.not_before).total_seconds() <= 1_800


@pytest.mark.parametrize("flag", BROKEN)
def test_a_policy_against_the_protocols_text_is_red_with_exit_status_1(
    stand: Stand, flag: str
) -> None:
    dialect, value, number = BROKEN[flag]
    code = make_acceptance_provider(dialect, code=f"broken-{flag}", now=datetime.now(UTC))
    ProviderPolicy.objects.filter(provider__code=code).update(**{flag: value})
    status, report = run(
        *("--provider", code, "--dialect", dialect, "--to", stand.url),
        *("--only", f"1,{number}"),
    )
    found = {one["number"]: one for one in report["scenarios"]}
    assert (status, report["is_green"]) == (1, False)
    assert (found[1]["result"], found[number]["result"]) == ("green", "red")
    assert found[number]["failed"]


@pytest.mark.parametrize("wallet_model", ["sub_wallet", "transfer"])
def test_the_other_wallet_models_are_green_too(stand: Stand, wallet_model: str) -> None:
    code = make_acceptance_provider(
        "hub88", code=f"acceptance-{wallet_model}", wallet_model=wallet_model, now=datetime.now(UTC)
    )
    status, report = run(
        *("--provider", code, "--to", stand.url, "--only", "1,2,7,8,9,11,13,18,20,26,30,35,52,57")
    )
    red = [one for one in report["scenarios"] if one["result"] == "red"]
    assert (status, red) == (0, [])


class YesSayer(QuietHandler):
    """A gateway that says yes to everything and books nothing."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.reply(200, b'{"status":"RS_OK","balance":10000000,"currency":"EUR"}')


@pytest.fixture
def yes_sayer() -> Iterator[str]:
    with serving(YesSayer) as address:
        yield address


def test_a_gateway_that_says_yes_and_books_nothing_is_red(db: None, yes_sayer: str) -> None:
    now = datetime.now(UTC)
    prepared = prepare(make_acceptance_provider("hub88", now=now), DIALECTS["hub88"](), now=now)
    kit = Kit(prepared, url=yes_sayer, may_stall=False)
    played = {one.number: kit.play(one).colour for one in (*ALL[:30], ALL[53])}
    kit.close()
    green = {number for number, colour in played.items() if colour == Colour.GREEN}
    # A rollback before its bet and bets of zero are all that such a gateway gets right.
    assert green == {7, 22}
    assert played[54] == Colour.DOES_NOT_APPLY


def test_a_gateway_that_is_not_there_is_red(db: None) -> None:
    now = datetime.now(UTC)
    prepared = prepare(make_acceptance_provider("swipe", now=now), DIALECTS["swipe"](), now=now)
    kit = Kit(prepared, url="http://127.0.0.1:9", may_stall=False)
    result = kit.play(ALL[0])
    kit.close()
    assert result.colour == Colour.RED
    assert result.failed[0].seen == "retryable no_answer (HTTP 0)"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--provider", "nobody"), "nobody"),
        (("--provider", "acceptance-native", "--dialect", "swipe"), "speaks native"),
        (("--provider", "acceptance-native", "--only", "66"), "numbers from 1 to 65"),
        (("--provider", "acceptance-native", "--to", "ftp://here"), "http://"),
        ((), "required"),
    ],
)
def test_a_wrong_command_line_is_refused_by_name(
    db: None, arguments: tuple[str, ...], words: str
) -> None:
    make_acceptance_provider("native", now=datetime.now(UTC))
    with pytest.raises(CommandError, match=words):
        call_command("acceptance", *arguments, stdout=StringIO())
