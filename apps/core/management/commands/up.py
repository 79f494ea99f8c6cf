import signal
import sys
from argparse import ArgumentParser
from io import StringIO
from types import FrameType
from typing import Any, override

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from apps.core.embedded.errors import EmbeddedServerError, StackError
from apps.core.embedded.supervisor import Stack
from apps.core.schema import pending_migrations


class Command(BaseCommand):
    help = (
        "Run web, gateway, worker, beat and outbox relay, with PostgreSQL and Valkey, until "
        "Ctrl-C. What dies is started again. An embedded PostgreSQL is migrated first, and its "
        "roles get what this version gives them."
    )

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--with-provider", action="store_true", help="Run the reference provider too."
        )
        parser.add_argument(
            "--wait", type=float, default=120, help="Seconds until everything must serve (120)."
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, _interrupt)
        stack = Stack.from_settings(with_provider=options["with_provider"])
        try:
            stack.start(self._prepare)
            self.stdout.write("Starting ...")
            stack.wait_ready(options["wait"])
            self._announce(stack, with_provider=options["with_provider"])
            status = stack.wait()
        except (StackError, EmbeddedServerError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.stdout.write("Stopping ...")
            return
        finally:
            # A second Ctrl-C must not leave half of it running.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            stack.stop()
        raise CommandError(f"The supervisor ended by itself (status {status}); see its log.")

    def prepare(self) -> None:
        """Bring our own database to the code's shape; somebody else's is theirs to migrate."""
        self._migrate(_pending())
        if settings.PITBOSS_EMBEDDED_POSTGRES:
            # A version brings permissions without a migration of its own.
            call_command("seed_roles", stdout=StringIO())

    def _prepare(self) -> None:
        try:
            self.prepare()
        finally:
            connection.close()

    def _migrate(self, pending: list[str]) -> None:
        if not pending:
            return
        if not settings.PITBOSS_EMBEDDED_POSTGRES:
            raise CommandError(
                f"The database lacks {len(pending)} migration{'s' * (len(pending) > 1)}, "
                f"{pending[0]} first. "
                "Type: python manage.py migrate"
            )
        self.stdout.write(f"Migrating: {', '.join(pending[:3])} ({len(pending)} in all)")
        try:
            call_command("migrate", interactive=False, verbosity=0)
        except DatabaseError as error:
            raise CommandError(f"The database could not be migrated: {error}") from error

    def _announce(self, stack: Stack, *, with_provider: bool) -> None:
        self.stdout.write(f"Admin:    {stack.web_url}/admin/")
        self.stdout.write(f"Gateway:  {stack.gateway_url}/callbacks/")
        if with_provider:
            self.stdout.write(f"Provider: {stack.provider_url}/")
        self.stdout.write("Ctrl-C stops everything.")
        sys.stdout.flush()


def _pending() -> list[str]:
    try:
        return pending_migrations()
    except DatabaseError as error:
        raise CommandError(f"The database does not answer: {error}") from error


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
