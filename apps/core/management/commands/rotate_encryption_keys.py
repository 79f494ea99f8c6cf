"""Re-encrypt every stored secret with the first key."""

import json
from argparse import ArgumentParser
from typing import Any, override

from django.core.management.base import BaseCommand, CommandError

from apps.core import services
from apps.core.errors import EncryptionKeyError


class Command(BaseCommand):
    help = "Re-encrypt stored secrets with the first key in PITBOSS_ENCRYPTION_KEYS; repeatable."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            changed = services.rotate_encryption_keys()
        except EncryptionKeyError as error:
            raise CommandError(
                f"{error} Add the key that wrote it, then run this again."
            ) from error
        if options["as_json"]:
            self.stdout.write(json.dumps({"changed": changed}))
            return
        for column, count in changed.items():
            self.stdout.write(f"{column}: {count} re-encrypted")
        self.stdout.write("Older keys can be removed from PITBOSS_ENCRYPTION_KEYS now.")
