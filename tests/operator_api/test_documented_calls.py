"""Every example in docs/operator-api.md is run as it stands there, against a live server."""

import json
import re
import shlex
import subprocess
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pytest
from django.core.management import call_command

from apps.providers.models import GameBuild, Provider
from tests.factories import make_cover, make_game, make_provider
from tests.operator_api.builders import NOW, make_rich_player
from tests.rounds_makers import play, round_event

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "operator-api.md"
BLOCK: Final = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMAND: Final = re.compile(r"manage\.py (create_api_client.*?)[\\\s]*\|", re.DOTALL)
# Said beside the answer and not in it, so that what reads the answer reads no more than that.
STATUS: Final = "curl -sS -w '%{stderr}%{http_code} %{method} %{url}\\n'"
EXPECTED: Final = [
    "201 PUT /players/p-9001",
    "200 GET /players/p-9001/balance",
    "200 GET /players/p-9001/bonuses",
    "200 GET /players/p-9001/withdrawal-eligibility",
    "201 POST /transfers",
    "201 POST /transfers",
    "200 GET /can-serve?game=borealis:borealis-slot-01&jurisdiction=MT",
    "201 POST /sessions",
    "200 POST /sessions/ID/refresh",
    "200 GET /sessions/ID/reality-checks",
    "201 POST /sessions/ID/reality-checks",
    "200 POST /sessions/ID/reality-checks/N/answer",
    "204 DELETE /sessions/ID",
    "200 GET /rounds/borealis/b-1",
    "201 POST /digest-reports",
]
"""Each documented call that succeeds, in the order of the document; nothing else may be in it."""


@pytest.fixture
def _casino() -> None:
    provider: Provider = make_provider("borealis")
    game = make_game(provider, "borealis-slot-01")
    make_cover(game)
    GameBuild.objects.create(game=game, version="1.1.0", created_at=NOW)
    player = make_rich_player("p-1001", cash_minor=10_000)
    event = round_event(player, "b-1", NOW, game_code="borealis-slot-01")
    play(provider, [event], NOW)


def _script(api: str) -> str:
    """Return all the document's examples as one script, with our server and token in them."""
    first, *others = BLOCK.findall(DOCUMENT.read_text(encoding="utf-8"))
    [command] = COMMAND.findall(first)
    out = StringIO()
    call_command(*shlex.split(command.replace("\\\n", " ")), stdout=out)
    helpers = [line for line in first.splitlines() if line.startswith(("call()", "field()"))]
    assert len(helpers) == 2
    token = json.loads(out.getvalue())["token"]
    start = [f"API={api}/api/v1", f"TOKEN={token}", "EVENT_ID=b-1", *helpers]
    return "\n".join([*start, *others]).replace("curl -sS", STATUS)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_casino")
def test_every_documented_call_does_what_the_document_says(live_server: Any) -> None:
    script = _script(live_server.url)
    ran = subprocess.run(
        ["/bin/bash", "-u", "-c", script], capture_output=True, text=True, timeout=240, check=False
    )
    said = [
        re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", line.replace(f"{live_server.url}/api/v1", ""))
        for line in ran.stderr.splitlines()
    ]
    said = [re.sub(r"reality-checks/\d+/", "reality-checks/N/", line) for line in said]
    assert said == EXPECTED, ran.stdout
    assert ran.returncode == 0
