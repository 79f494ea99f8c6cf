"""Give the application's role what it needs, and nothing that changes history."""

from argparse import ArgumentParser
from typing import Any, override

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.core import services
from apps.core.errors import AppRoleError


class Command(BaseCommand):
    help = (
        "Grant the role that web, gateway and workers connect as what it needs; migrate does it "
        "too. Repeatable. Run as the owner of the tables (PITBOSS_OWNER_DATABASE_URL)."
    )

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--role",
            default=settings.PITBOSS_APP_ROLE,
            help="the role's name (that of DATABASE_URL)",
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["role"] is None:
            raise CommandError(
                "One role does everything here. Set DATABASE_URL to the application's role and "
                "PITBOSS_OWNER_DATABASE_URL to the owner of the tables, or name one with --role."
            )
        try:
            rights = services.grant_app_role(options["role"])
        except AppRoleError as error:
            raise CommandError(str(error)) from error
        for one in rights:
            self.stdout.write(f"{one.table}: {', '.join(one.verbs)}")
