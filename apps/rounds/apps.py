from typing import override

from django.apps import AppConfig


class RoundsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.rounds"
    label = "rounds"

    @override
    def ready(self) -> None:
        from apps.core.populations import register_population  # noqa: PLC0415 - models are not loaded before
        from apps.rounds.populations import ROUNDS  # noqa: PLC0415 - as above

        register_population(ROUNDS)
