"""Django's ``migrate``, and then the guards and grants of what it made."""

from typing import Any, override

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import migrate

from apps.core import services
from apps.core.errors import AppRoleError
from apps.core.migrating import ForwardExecutor

# Django's command makes its executor by this name and offers no other way to choose one.
migrate.MigrationExecutor = ForwardExecutor  # type: ignore[attr-defined] # untold in the stubs


class Command(migrate.Command):
    @override
    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        only_shows = options["plan"] or options["check_unapplied"]
        if only_shows:
            return
        services.set_guards_always()
        if settings.PITBOSS_APP_ROLE is None:
            return
        try:
            services.grant_app_role(settings.PITBOSS_APP_ROLE)
        except AppRoleError as error:
            raise CommandError(str(error)) from error
