"""``manage.py onboarding``: where a provider's checklist stands; status 1 unless all holds."""

import json
import sys
from dataclasses import asdict
from typing import Any, override

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.core.errors import DomainError
from apps.onboarding.contracts import Standing
from apps.onboarding.selectors import standings
from apps.onboarding.services.checklist import open_onboarding, prove


class Command(BaseCommand):
    help = "Show what is proven of a provider before it goes live; --prove looks again."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--provider", required=True, metavar="CODE")
        parser.add_argument("--prove", action="store_true", help="look at every item now")
        parser.add_argument("--json", action="store_true")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        code = options["provider"]
        try:
            onboarding = open_onboarding(code, now=timezone.now())
            if options["prove"]:
                prove(code, acting_user=None, now=timezone.now())
        except DomainError as error:
            raise CommandError(str(error)) from error
        found = standings(onboarding.pk)
        if options["json"]:
            items = [asdict(one) for one in found]
            self.stdout.write(json.dumps({"provider": code, "items": items}, default=str, indent=2))
        else:
            for one in found:
                self.stdout.write(_line(one))
        if not all(one.is_green for one in found):
            sys.exit(1)


def _line(one: Standing) -> str:
    return f"{'holds ' if one.is_green else 'OPEN  '} {one.label}\n        {one.summary}"
