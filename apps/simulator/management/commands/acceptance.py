"""``manage.py acceptance``: prove a provider's integration with the field's 65 scenarios."""

import argparse
import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, override
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console

from apps.core.errors import DomainError
from apps.onboarding.services.checklist import record_acceptance
from apps.providers.selectors import provider_by_code
from apps.providers.selectors.profiles import provider_profile_by_id
from apps.simulator.acceptance.bonus import RULE, request_rule
from apps.simulator.acceptance.kit import ALL, Kit, Report, play_all
from apps.simulator.acceptance.scenario import Colour, Result, Scenario
from apps.simulator.acceptance.setting_up import make_acceptance_provider, prepare
from apps.simulator.capture.own_gateway import OwnGateway
from apps.simulator.dialects.registry import DIALECTS, usual_dialect

GATEWAY_LEARNS_SECONDS: Final = 4.0
"""A running gateway reads keys and games again every three seconds."""

_STYLES: Final = {
    Colour.GREEN: "green",
    Colour.RED: "red",
    Colour.NOT_PROVEN: "yellow",
    Colour.DOES_NOT_APPLY: "dim",
}

EPILOG = """
Without --to the command starts a gateway of its own on the database that the settings name. With
--to the gateway must use that same database, because players, sessions and limits are set there.
The kit plays with its own players, games and key; real players are not touched. A run of all
scenarios is kept in the provider's onboarding checklist. Exit status 0 only when every scenario
that applies is green.
"""


class Command(BaseCommand):
    help = "Play the acceptance scenarios against a gateway in a provider's own dialect."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.epilog = EPILOG
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--provider", metavar="CODE")
        who.add_argument(
            "--make-providers",
            action="store_true",
            help="add a provider acceptance-<dialect> for each dialect, and stop",
        )
        who.add_argument(
            "--request-rule",
            metavar="USER",
            help="ask in this promo manager's name for the bonus rule of two scenarios, and stop",
        )
        parser.add_argument("--dialect", choices=sorted(DIALECTS), help="default: the protocol's")
        parser.add_argument("--to", type=_url, metavar="URL", help="default: a gateway of its own")
        parser.add_argument("--only", type=_numbers, metavar="N,N", default=())
        parser.add_argument("--json", action="store_true")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        logging.disable(logging.WARNING)  # each session opened is told, and drowns what people read
        try:
            if options["make_providers"]:
                for name in DIALECTS:
                    self.stdout.write(make_acceptance_provider(name, now=timezone.now()))
                return
            if options["request_rule"]:
                self.stdout.write(_request_rule(options["request_rule"]))
                return
            report = _play(options)
        except DomainError as error:
            raise CommandError(str(error)) from error
        finally:
            logging.disable(logging.NOTSET)
        if report.is_whole:
            record_acceptance(report.as_json(), now=timezone.now())
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), indent=2))
        if not report.is_green:
            sys.exit(1)


def _request_rule(username: str) -> str:
    author = get_user_model().objects.filter(username=username, is_active=True).first()
    if author is None or not author.has_perm("bonuses.add_bonusrule"):
        message = f"{username} is nobody who may write bonus rules."
        raise CommandError(message)
    approval_id = request_rule(author=author, now=timezone.now())
    if approval_id is None:
        return f"The bonus rule {RULE!r} is in force."
    return f"Request {approval_id} waits under Approvals for somebody else than {username}."


def _play(options: dict[str, Any]) -> Report:
    provider = provider_by_code(options["provider"])
    policy = provider_profile_by_id(provider.pk).policy
    dialect = DIALECTS[options["dialect"] or usual_dialect(provider.protocol, policy)]()
    chosen = options["only"]
    scenarios = [scenario for scenario in ALL if not chosen or scenario.number in chosen]
    console = Console(stderr=options["json"])
    console.print(f"{provider.name}: {len(scenarios)} scenarios in the dialect {dialect.name}")
    prepared = prepare(provider.code, dialect, now=timezone.now())
    with _gateway(options["to"]) as url:
        kit = Kit(prepared, url=url, may_stall=options["to"] is None)
        report = play_all(kit, scenarios, on_result=lambda result: _print(console, result))
    told = ", ".join(f"{count} {colour}" for colour, count in report.counts.items())
    console.print(told, style="green" if report.is_green else "red")
    return report


@contextmanager
def _gateway(url: str | None) -> Iterator[str]:
    if url is not None:
        time.sleep(GATEWAY_LEARNS_SECONDS)
        yield url
        return
    manage = Path(settings.BASE_DIR) / "manage.py"
    with OwnGateway(manage, is_replay_mode=False) as own:
        yield own.url


def _print(console: Console, result: Result) -> None:
    style = _STYLES[result.colour]
    scenario: Scenario = result.scenario
    console.print(
        f"{scenario.number:>3}  {scenario.sentence}", end="  ", highlight=False, soft_wrap=True
    )
    console.print(result.colour.value, style=style)
    if result.reason:
        console.print(
            f"     {result.reason}", style="dim", highlight=False, markup=False, soft_wrap=True
        )
    for check in result.failed:
        console.print(
            f"     {check.what}", style="red", highlight=False, markup=False, soft_wrap=True
        )
        console.print(
            f"       expected {check.expected}", highlight=False, markup=False, soft_wrap=True
        )
        console.print(
            f"       seen     {check.seen}", highlight=False, markup=False, soft_wrap=True
        )


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise argparse.ArgumentTypeError("an http:// or https:// address")
    return text


def _numbers(text: str) -> tuple[int, ...]:
    known = {scenario.number for scenario in ALL}
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError("numbers of scenarios, such as 1,7,30") from None
    if not set(numbers) <= known:
        raise argparse.ArgumentTypeError("numbers from 1 to 65")
    return numbers
