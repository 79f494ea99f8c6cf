from typing import override

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.gateway"
    label = "gateway"

    @override
    def ready(self) -> None:
        from apps.gateway import admin_actions, home
        from apps.gateway.services import closing, wallet_model
        from apps.players.card import register_player_action
        from apps.providers.key_panels import register_key_panel
        from apps.providers.policy_actions import (
            register_policy_action,
            register_policy_panel,
        )
        from apps.rounds.event_actions import (
            register_delivery_action,
            register_round_action,
        )
        from apps.staff.approvals import register_approval
        from apps.staff.enums import Role
        from apps.staff.home import register_home_card

        for card in (
            home.parked_events_card,
            home.conflicts_card,
            home.rejections_card,
            home.unjudged_card,
        ):
            register_home_card([Role.INTEGRATION_ENGINEER], card)
        register_delivery_action(admin_actions.REPROCESS)
        register_round_action(admin_actions.CLOSE_ROUND)
        register_player_action(admin_actions.CASH_OUT)
        register_key_panel(admin_actions.key_use_panel)
        register_policy_action(admin_actions.ID_SCOPES)
        register_policy_panel(admin_actions.id_scopes_panel)
        register_approval(
            wallet_model.WALLET_MODEL,
            permission="wallet.approve_play_model",
            asking="wallet.request_play_model",
            handler=wallet_model.execute_wallet_model,
            recheck=wallet_model.recheck_wallet_model,
            label="Change a provider's wallet model",
        )
        register_approval(
            closing.ROUND_CLOSING,
            permission="rounds.approve_closing",
            asking="rounds.request_closing",
            handler=closing.execute_closing,
            recheck=closing.recheck_closing,
            label="Close a stuck round",
        )
