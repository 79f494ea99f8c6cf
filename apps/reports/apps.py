from typing import override

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.reports"
    label = "reports"

    @override
    def ready(self) -> None:
        from apps.players.card import register_player_panel
        from apps.reports import home, player_card
        from apps.staff.enums import Role
        from apps.staff.home import register_home_card

        register_home_card([Role.FINANCE_ANALYST], home.net_position_card)
        register_home_card([Role.AUDITOR], home.executed_approvals_card)
        register_home_card([Role.AUDITOR], home.ledger_seals_card)
        for maker in (
            player_card.pots_panel,
            player_card.held_panel,
            player_card.rounds_panel,
            player_card.grants_panel,
            player_card.sessions_panel,
            player_card.cases_panel,
            player_card.timeline_panel,
        ):
            register_player_panel(maker)
