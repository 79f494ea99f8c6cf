"""Running Pitboss's own commands, as a person at a terminal or cron would."""

import io
import json
from typing import Any

from django.core.management import call_command

from apps.simulator.errors import CommandFailedError


def run_json(name: str, *arguments: str) -> dict[str, Any]:
    """Run a command with ``--json`` and return what it prints.

    Raises:
        CommandFailedError: it ended with a status other than 0.
        CommandError: it refused.
    """
    out = io.StringIO()
    try:
        call_command(name, *arguments, "--json", stdout=out)
    except SystemExit as ended:
        if ended.code:
            raise CommandFailedError(name, ended.code, out.getvalue()) from ended
    document: dict[str, Any] = json.loads(out.getvalue())
    return document
