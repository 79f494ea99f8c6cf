from typing import override

from django.apps import AppConfig


class RoundsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.rounds"
    label = "rounds"

    @override
    def ready(self) -> None:
        from apps.core.populations import register_population
        from apps.rounds.populations import ROUNDS

        register_population(ROUNDS)
