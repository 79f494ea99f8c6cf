#!/usr/bin/env python
"""Run a command of Pitboss; ``manage.py help`` lists them."""

import os
import signal
import sys

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from apps.core.embedded.errors import EmbeddedServerError
from apps.core.embedded.servers import ensure_servers

# Commands that never touch the database or the broker, or start the servers themselves.
_WITHOUT_SERVERS = {
    "check",
    "collectstatic",
    "compilemessages",
    "diffsettings",
    "findstatic",
    "help",
    "makemessages",
    "run_provider",
    "servers",
    "spectacular",
    "startapp",
    "up",
    "version",
}
_ROLES = {
    **dict.fromkeys(("migrate", "grant_app_role", "rotate_encryption_keys"), "owner"),
    "run_gateway": "gateway",
    "relay_outbox": "relay",
    "runserver": "web",
}
_SERVING = {"run_gateway", "relay_outbox"}


def main() -> None:
    # By default SIGTERM ends Python without leaving: the embedded servers would stay behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    command = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), "help")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")
    os.environ.setdefault("PITBOSS_PROCESS_ROLE", _ROLES.get(command, "command"))
    asks_for_help = {"--help", "-h", "--version"} & set(sys.argv)
    if command not in _WITHOUT_SERVERS and not asks_for_help:
        try:
            ensure_servers()
        except EmbeddedServerError as error:
            sys.exit(f"pitboss: {error}")
    if command in _SERVING and not asks_for_help:
        _refuse_unsafe_servers()
    execute_from_command_line(sys.argv)


def _refuse_unsafe_servers() -> None:
    django.setup()
    from config.server_checks import refuse_unsafe_servers  # noqa: PLC0415 - it needs Django set up

    try:
        refuse_unsafe_servers()
    except ImproperlyConfigured as error:
        sys.exit(f"pitboss: {error}")


if __name__ == "__main__":
    main()
