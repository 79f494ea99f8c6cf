"""``manage.py certified_rounds REPORT``: what was played under a report, and each round of it."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any, override

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder

from apps.compliance.selectors.certified import rounds_under, spans_under, sums_under
from apps.core.money import display_money
from apps.providers.selectors.lapses import any_report_named
from apps.providers.selectors.proof import CertifiedSpan
from apps.rounds.rounds_in_spans import OpenedSum


class Command(BaseCommand):
    help = "Says when a report was the proof of play, and what the rounds under it come to."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("report", help='a report number, or "number rev 2"')
        parser.add_argument("--game", default="", help="one game's code")
        parser.add_argument("--json", action="store_true", help="print times and sums as JSON")
        parser.add_argument(
            "--rounds", action="store_true", help="print every round as a line of JSON instead"
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        report = any_report_named(options["report"])
        if report is None:
            raise CommandError(f"There is no report {options['report']}.")
        certificate_id, name = report
        spans = spans_under(certificate_id, game_code=options["game"])
        if options["rounds"]:
            for one in rounds_under(spans):
                self.stdout.write(json.dumps(asdict(one), cls=DjangoJSONEncoder))
            return
        sums = sums_under(spans)
        if options["json"]:
            answer = {
                "report": name,
                "spans": [asdict(span) for span in spans],
                "sums": [asdict(one) for one in sums],
            }
            self.stdout.write(json.dumps(answer, cls=DjangoJSONEncoder, indent=2))
            return
        self._tell(name, spans, sums)

    def _tell(self, name: str, spans: list[CertifiedSpan], sums: list[OpenedSum]) -> None:
        codes = {span.game_id: span.game_code for span in spans}
        self.stdout.write(f"{name} is the proof in {len(spans)} spans of time.")
        for one in sums:
            self.stdout.write(
                f"  {codes[one.game_id]}: {one.rounds:,} rounds of {one.players:,} players, "
                f"{display_money(one.stake_minor, one.currency)} staked, "
                f"{display_money(one.win_minor, one.currency)} won"
            )
        if not sums:
            self.stdout.write("No round was played under it.")
