"""``manage.py load_provider DIR``: a provider, its games, its players and their balances."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, override

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.core.errors import DomainError
from apps.gateway.services.onboarding import load_provider
from apps.providers.enums import ProviderStage
from apps.providers.errors import ProviderFilesRefusedError
from apps.providers.selectors import provider_by_code

_MOST_SHOWN = 50


class Command(BaseCommand):
    help = "Load provider.json, games.csv and players.csv of a directory; safe to repeat."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path)
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = load_provider(options["directory"], now=timezone.now())
        except ProviderFilesRefusedError as error:
            shown = "\n  ".join(error.problems[:_MOST_SHOWN])
            more = len(error.problems) - _MOST_SHOWN
            tail = f"\n  and {more} more" if more > 0 else ""
            raise CommandError(f"{error}\n  {shown}{tail}") from error
        except DomainError as error:
            raise CommandError(f"{error} Nothing was loaded.") from error
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report)))
            return
        state = "new" if report.provider_is_new else "known"
        self.stdout.write(
            f"Provider {report.provider_code} ({state}): {report.games_new} new games, "
            f"{report.games_changed} changed, {report.players_new} new players, "
            f"{report.balances_posted} opening balances posted."
        )
        if provider_by_code(report.provider_code).stage != ProviderStage.LIVE:
            self.stdout.write(
                "It is not live: no real player is launched there before two people take it live "
                f"by its checklist (manage.py onboarding --provider {report.provider_code})."
            )
