from typing import override

from django.apps import AppConfig


class PlayersConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.players"
    label = "players"

    @override
    def ready(self) -> None:
        from apps.core.populations import register_population
        from apps.players.populations import POPULATIONS

        for population in POPULATIONS:
            register_population(population)
