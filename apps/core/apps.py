from typing import override

from django.apps import AppConfig


class CoreConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.core"
    label = "core"

    @override
    def ready(self) -> None:
        # Imported for its @register decorators.
        import apps.core.checks  # noqa: F401 - registers checks once models are there
