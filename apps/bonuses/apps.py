from typing import override

from django.apps import AppConfig

from apps.staff.approvals import register_approval
from apps.staff.enums import Role


class BonusesConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.bonuses"
    label = "bonuses"

    @override
    def ready(self) -> None:
        from apps.bonuses import home
        from apps.bonuses.services import grants, rules
        from apps.staff.home import register_home_card

        register_approval(
            rules.ACTIVATION,
            permission="bonuses.approve_rule",
            asking="bonuses.change_bonusrule",
            handler=rules.execute_activation,
            recheck=rules.recheck_activation,
            editors=rules.editors_of_rule,
            label="Activate a bonus rule",
        )
        register_approval(
            grants.FORFEITURE,
            permission="bonuses.approve_forfeit",
            asking="bonuses.request_forfeit",
            handler=grants.execute_forfeiture,
            label="Forfeit a bonus",
        )

        register_home_card([Role.PROMO_MANAGER], home.active_grants_card)
        register_home_card([Role.PROMO_MANAGER, Role.CS_SUPERVISOR], home.flagged_receipts_card)
