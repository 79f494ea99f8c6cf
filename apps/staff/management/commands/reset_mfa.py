"""Remove a person's second factor where no two people can: the way back in."""

from argparse import ArgumentParser
from typing import Any, override

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.core.errors import DomainError
from apps.staff import selectors, services
from apps.staff.errors import UnknownPersonError


class Command(BaseCommand):
    help = "Remove a person's second factor and end their sessions; written to the audit chain."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--reason", required=True, help="why, for the audit chain")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = selectors.user_by_username(options["username"])
            if user is None:
                raise UnknownPersonError(options["username"])
            services.reset_mfa(
                user_id=user.pk, actor=None, reason=options["reason"], now=timezone.now()
            )
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{user.username} enrols a second factor at the next sign-in.")
