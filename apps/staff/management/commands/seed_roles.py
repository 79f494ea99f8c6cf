"""Give every role exactly the permissions of config/roles.py."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any, override

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.core.errors import DomainError
from apps.staff import services


class Command(BaseCommand):
    help = "Create the roles and give each exactly the permissions of config/roles.py; repeatable."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = services.sync_roles(now=timezone.now())
        except DomainError as error:
            raise CommandError(f"{error} Correct config/roles.py and run this again.") from error
        if options["as_json"]:
            self.stdout.write(json.dumps(asdict(report)))
            return
        self.stdout.write(
            f"Roles: {len(report.created)} created, {report.added} permissions added, "
            f"{report.removed} removed."
        )
