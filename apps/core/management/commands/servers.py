from argparse import ArgumentParser
from typing import Any, override

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.core.embedded.errors import EmbeddedServerError
from apps.core.embedded.keeper import keep_servers
from apps.core.embedded.paths import embedded_paths
from apps.core.embedded.postgres import PostgresServer
from apps.core.embedded.servers import exclusive_access, stop_all, wanted_servers
from apps.core.embedded.valkey import ValkeyServer


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
        if not wanted_servers():
            raise CommandError("DATABASE_URL and REDIS_URL are set: there are no embedded servers.")
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
        self.stdout.write("Ctrl-C stops them, unless somebody else uses them.")
        try:
            keep_servers(settings.PITBOSS_DATA_DIR, wanted_servers())
        except EmbeddedServerError as error:
            raise CommandError(str(error)) from error

    def _stop(self) -> None:
        with exclusive_access(embedded_paths(settings.PITBOSS_DATA_DIR)) as alone:
            if not alone:
                raise CommandError("Somebody uses the servers; they stop when the last one ends.")
            stop_all(embedded_paths(settings.PITBOSS_DATA_DIR))
        self.stdout.write("Stopped.")
