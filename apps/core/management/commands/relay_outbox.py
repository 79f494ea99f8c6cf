"""Send outbox messages to the broker as they come."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any, Final, override

import structlog
from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from apps.core import services
from apps.core.broker import send_to_celery
from apps.core.contracts import SendReport

logger = structlog.get_logger(__name__)

_LONGEST_PAUSE_SECONDS: Final = 15.0


class Command(BaseCommand):
    help = "Send outbox messages to the broker until SIGTERM; survives loss of broker and database."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="send what is due, then stop")
        parser.add_argument("--poll-seconds", type=float, default=0.2)
        parser.add_argument("--batch", type=int, default=200)

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            report = services.send_due(
                send=send_to_celery, limit=options["batch"], now=timezone.now()
            )
            self.stdout.write(f"sent {report.sent}, kept {report.failed} for later")
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        logger.info("core.relay.started")
        _relay(stop, poll_seconds=options["poll_seconds"], batch=options["batch"])
        logger.info("core.relay.stopped")


def _relay(stop: threading.Event, *, poll_seconds: float, batch: int) -> None:
    trouble_pause = poll_seconds
    while not stop.is_set():
        report = _send(batch)
        if report is None or report.failed:
            trouble_pause = min(2 * trouble_pause, _LONGEST_PAUSE_SECONDS)
            stop.wait(trouble_pause)
            continue
        trouble_pause = poll_seconds
        # A full batch means there is more: go on at once.
        if report.sent < batch:
            stop.wait(poll_seconds)


def _send(batch: int) -> SendReport | None:
    try:
        return services.send_due(send=send_to_celery, limit=batch, now=timezone.now())
    except (DatabaseError, InterfaceError) as error:
        logger.warning("core.relay.database_lost", error=type(error).__name__)
        # A broken connection is only replaced once it is closed.
        connection.close()
        return None
