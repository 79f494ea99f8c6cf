from typing import override

from django.apps import AppConfig

from apps.staff.enums import Role


class ComplianceConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.compliance"
    label = "compliance"

    @override
    def ready(self) -> None:
        from apps.compliance import home
        from apps.compliance.panels import launch_panel
        from apps.providers.game_panels import register_game_panel
        from apps.staff.home import register_home_card

        register_game_panel(launch_panel)
        register_home_card([Role.COMPLIANCE_OFFICER], home.renewals_card, place=10)
        desk = [Role.COMPLIANCE_OFFICER, Role.AUDITOR]
        register_home_card(desk, home.gaps_card, place=20)
        register_home_card(desk, home.uncertified_play_card, place=30)
        register_home_card([Role.COMPLIANCE_OFFICER], home.key_events_card, place=15)
        register_home_card([Role.COMPLIANCE_OFFICER], home.unmailed_card, place=25)
        register_home_card([Role.COMPLIANCE_OFFICER], home.drafts_card, place=30)
        register_home_card([Role.COMPLIANCE_OFFICER], home.rules_card, place=60)
