from typing import override

from django.apps import AppConfig


class ReconciliationConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.reconciliation"
    label = "reconciliation"

    @override
    def ready(self) -> None:
        from apps.reconciliation import home

        home.register()
