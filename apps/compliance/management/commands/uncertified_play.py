"""``manage.py uncertified_play``: what was served and played without cover in the last days."""

import json
from datetime import UTC, timedelta
from typing import Any, override

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from apps.compliance.selectors.uncovered import uncertified_play_since
from apps.compliance.services.uncovered import DAYS_AGAIN, keep_uncertified_play
from apps.core.money import display_money


class Command(BaseCommand):
    help = "Work out what was served and played without cover, as the worker does all day."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days", type=int, default=DAYS_AGAIN, help=f"days back; {DAYS_AGAIN} by default"
        )
        parser.add_argument("--json", action="store_true")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        days = max(0, min(options["days"], 400))
        places = keep_uncertified_play(now=now, days=days)
        since = now.astimezone(UTC).date() - timedelta(days=days)
        rows = [
            {
                "day": play.uncovered.day.isoformat(),
                "game": play.uncovered.game.game_code,
                "jurisdiction": play.uncovered.jurisdiction,
                "minutes": play.uncovered.minutes,
                "rounds": play.rounds,
                "players": play.players,
                "stake": display_money(play.stake_minor, play.currency),
            }
            for play in uncertified_play_since(since, limit=1000)
        ]
        if options["json"]:
            self.stdout.write(json.dumps({"places": places, "played": rows}, indent=2))
            return
        self.stdout.write(f"{places} games x jurisdictions x days were without cover.")
        for row in rows:
            self.stdout.write(
                "  {day} {game} in {jurisdiction}: {stake} in {rounds} rounds".format(**row)
            )
        if not rows:
            self.stdout.write("Nobody played any of them in that time.")
