from typing import override

from django.apps import AppConfig


class AmlConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.aml"
    label = "aml"
    verbose_name = "AML"

    @override
    def ready(self) -> None:
        from apps.aml import home
        from apps.players.card import register_player_panel
        from apps.staff.enums import Role
        from apps.staff.home import register_home_card

        register_home_card([Role.AML_OFFICER], home.due_matters_card)
        register_player_panel(home.matters_panel)
