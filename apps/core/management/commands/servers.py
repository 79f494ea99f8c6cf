import signal
import threading
from argparse import ArgumentParser
from typing import Any, override

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.core.embedded.errors import EmbeddedServerError
from apps.core.embedded.paths import embedded_paths
from apps.core.embedded.postgres import PostgresServer
from apps.core.embedded.servers import ensure_servers, exclusive_access, stop_all
from apps.core.embedded.valkey import ValkeyServer

_WATCH_SECONDS = 0.5


class Command(BaseCommand):
    help = (
        "The embedded PostgreSQL and Valkey: `status` shows them, `run` keeps them alive until "
        "Ctrl-C, `stop` stops what a killed process left running."
    )
    requires_system_checks = []

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["status", "run", "stop"], nargs="?", default="status")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if not (settings.PITBOSS_EMBEDDED_POSTGRES or settings.PITBOSS_EMBEDDED_VALKEY):
            self.stdout.write("DATABASE_URL and REDIS_URL are set: there are no embedded servers.")
            _wait_for_signal(None if options["what"] == "run" else 0)
            return
        {"status": self._status, "run": self._run, "stop": self._stop}[options["what"]]()

    def _status(self) -> None:
        paths = embedded_paths(settings.PITBOSS_DATA_DIR)
        for server in (PostgresServer(paths), ValkeyServer(paths)):
            name = type(server).__name__.removesuffix("Server")
            self.stdout.write(f"{name}: {'answers' if server.answers() else 'does not run'}")
        self.stdout.write(
            f"Data: {paths.data_dir}\nSockets: {paths.run_dir}\nLogs: {paths.log_dir}"
        )
        self.stdout.write(
            f"psql: {PostgresServer(paths).program.with_name('psql')} "
            f"-h {paths.postgres_socket_dir} -U pitboss pitboss"
        )

    def _run(self) -> None:
        stopped = _stop_event()
        lease = ensure_servers()
        self.stdout.write("servers.started")
        while lease is not None and not stopped.wait(_WATCH_SECONDS):
            try:
                if lease.keep_alive():
                    self.stdout.write("servers.restarted")
            except EmbeddedServerError as error:
                # A server killed half way through its start: the next round tries again.
                self.stderr.write(f"servers.restart_failed: {error}")

    def _stop(self) -> None:
        with exclusive_access(embedded_paths(settings.PITBOSS_DATA_DIR)) as alone:
            if not alone:
                raise CommandError("Somebody uses the servers; they stop when the last one ends.")
            stop_all(embedded_paths(settings.PITBOSS_DATA_DIR))
        self.stdout.write("Stopped.")


def _stop_event() -> threading.Event:
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


def _wait_for_signal(timeout: float | None) -> None:
    _stop_event().wait(timeout)
