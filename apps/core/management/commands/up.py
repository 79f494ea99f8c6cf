import signal
import sys
from argparse import ArgumentParser
from types import FrameType
from typing import Any, override

from django.core.management.base import BaseCommand, CommandError

from apps.core.embedded.errors import EmbeddedServerError, StackError
from apps.core.embedded.supervisor import Stack


class Command(BaseCommand):
    help = (
        "Run web, gateway, worker, beat and outbox relay, with PostgreSQL and Valkey, until "
        "Ctrl-C. What dies is started again."
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
            stack.start()
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

    def _announce(self, stack: Stack, *, with_provider: bool) -> None:
        self.stdout.write(f"Admin:    {stack.web_url}/admin/")
        self.stdout.write(f"Gateway:  {stack.gateway_url}/callbacks/")
        if with_provider:
            self.stdout.write(f"Provider: {stack.provider_url}/")
        self.stdout.write("Ctrl-C stops everything.")
        sys.stdout.flush()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
