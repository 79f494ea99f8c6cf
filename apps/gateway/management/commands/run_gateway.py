"""``manage.py run_gateway``: the process that takes providers' callbacks."""

import os
from typing import Any, override

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from apps.gateway.http.application import Gateway


class Command(BaseCommand):
    help = "Take providers' callbacks over HTTP until stopped."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=settings.PITBOSS_HOST)
        parser.add_argument("--port", type=int, default=settings.PITBOSS_GATEWAY_PORT)

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        # Set only by a replay that starts a gateway of its own; see the application.
        gateway = Gateway(replay_token=os.environ.get("PITBOSS_REPLAY_TOKEN", ""))
        uvicorn.run(
            gateway,
            host=options["host"],
            port=options["port"],
            loop="uvloop",
            http="httptools",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=15,
        )
