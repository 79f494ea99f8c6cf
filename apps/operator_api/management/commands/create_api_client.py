"""``manage.py create_api_client NAME --scope SCOPE [--scope SCOPE ...] [--days N] [--json]``."""

import json
from argparse import ArgumentParser
from typing import Any, override

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from apps.core.errors import DomainError
from apps.operator_api import selectors, services
from apps.operator_api.enums import Scope


class Command(BaseCommand):
    help = (
        "Make an API client of the operator, or a further token for one that exists, and print the"
        " token. It is shown this once."
    )

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument(
            "--scope", action="append", default=[], choices=Scope.values, help="may be repeated"
        )
        parser.add_argument("--days", type=int, default=90, help="how long the token lives")
        parser.add_argument("--reason", default="Made on the command line.")
        parser.add_argument("--json", action="store_true", dest="as_json")

    @override
    def handle(self, *_: Any, **options: Any) -> None:
        now = timezone.now()
        made_by = {"acting_user": None, "reason": options["reason"], "now": now}
        try:
            with transaction.atomic():
                client_id = self._client(options["name"], options["scope"], made_by)
                token = services.issue_token(client_id=client_id, days=options["days"], **made_by)
        except DomainError as error:
            raise CommandError(f"{error.code}: {error}") from error
        if options["as_json"]:
            self.stdout.write(
                json.dumps(
                    {
                        "client": options["name"],
                        "token": token.secret,
                        "expires_at": token.expires_at.isoformat(),
                    }
                )
            )
            return
        self.stdout.write(f"Client {options['name']}, token until {token.expires_at:%Y-%m-%d}:")
        self.stdout.write(token.secret)
        self.stdout.write("Keep it now: it is not stored and can't be shown again.")

    def _client(self, name: str, scopes: list[str], made_by: dict[str, Any]) -> int:
        known = selectors.client_by_name(name)
        if known is None:
            return services.create_client(name=name, scopes=scopes, **made_by)
        if scopes and sorted(set(scopes)) != known.scopes:
            raise CommandError(f"{name} has the scopes {', '.join(known.scopes)}, for good.")
        return known.pk
