from typing import override

from django.apps import AppConfig

from apps.staff.approvals import register_approval


class BonusesConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.bonuses"
    label = "bonuses"

    @override
    def ready(self) -> None:
        from apps.bonuses.services import grants, rules  # noqa: PLC0415 - services need the models, which are not loaded before

        register_approval(
            rules.ACTIVATION,
            permission="bonuses.approve_rule",
            handler=rules.execute_activation,
            recheck=rules.recheck_activation,
            editors=rules.editors_of_rule,
            label="Activate a bonus rule",
        )
        register_approval(
            grants.FORFEITURE,
            permission="bonuses.approve_forfeit",
            handler=grants.execute_forfeiture,
            label="Forfeit a bonus",
        )
