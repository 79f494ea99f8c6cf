"""``manage.py what_if --on DATE``: what would stop being covered, and what is played there."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import date
from typing import Any, override

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.compliance.contracts import WhatIfAnswer
from apps.compliance.selectors.what_if import what_if
from apps.core.money import display_money
from apps.providers.selectors.lapses import report_named


class Command(BaseCommand):
    help = "Says which games would lose cover on a day, the stake a month there, and the players."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--on", type=date.fromisoformat, required=True, help="YYYY-MM-DD")
        parser.add_argument(
            "--without", default="", help="a report that is taken to prove nothing on that day"
        )
        parser.add_argument("--json", action="store_true", help="print everything as JSON")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        without = None
        if options["without"]:
            without = report_named(options["without"], options["on"])
            if without is None:
                raise CommandError(f"There is no registered report {options['without']}.")
        answer = what_if(options["on"], timezone.now(), without=without)
        if options["json"]:
            self.stdout.write(json.dumps(as_json(answer)))
            return
        self.stdout.write(_summary(answer))
        for offer in answer.lost:
            stakes = ", ".join(
                display_money(stake.stake_minor, stake.currency) for stake in offer.stakes
            )
            self.stdout.write(
                f"  {offer.provider_code}/{offer.game_code} in {offer.jurisdiction}: {offer.why} "
                f"{stakes or 'nothing'} staked in 30 days"
            )


def _summary(answer: WhatIfAnswer) -> str:
    money = ", ".join(
        display_money(minor, currency) for currency, minor in answer.stake_minor.items()
    )
    without = f" without {answer.without}" if answer.without else ""
    return (
        f"On {answer.on}{without}: {len(answer.lost)} offers lose cover; {money or 'nothing'} "
        f"staked there in 30 days, by {len(answer.players)} players in {answer.rounds} rounds."
    )


def as_json(answer: WhatIfAnswer) -> dict[str, Any]:
    """Return the answer as plain JSON; stakes are in minor units."""
    return {
        "on": answer.on.isoformat(),
        "without": answer.without,
        "stake_minor": answer.stake_minor,
        "rounds": answer.rounds,
        "players": answer.players,
        "gained": [list(offer) for offer in answer.gained],
        "lost": [
            {
                **asdict(offer),
                "stakes": [
                    {
                        "currency": stake.currency,
                        "stake_minor": stake.stake_minor,
                        "rounds": stake.rounds,
                        "players": len(stake.players),
                    }
                    for stake in offer.stakes
                ],
            }
            for offer in answer.lost
        ],
    }
