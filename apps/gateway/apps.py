from typing import override

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.gateway"
    label = "gateway"

    @override
    def ready(self) -> None:
        from apps.gateway import admin_actions, home  # noqa: PLC0415 - models are not loaded before
        from apps.gateway.services import closing, wallet_model  # noqa: PLC0415 - as above
        from apps.providers.key_panels import register_key_panel  # noqa: PLC0415 - as above
        from apps.providers.policy_actions import (  # noqa: PLC0415 - as above
            register_policy_action,
            register_policy_panel,
        )
        from apps.rounds.event_actions import (  # noqa: PLC0415 - as above
            register_delivery_action,
            register_round_action,
        )
        from apps.staff.approvals import register_approval  # noqa: PLC0415 - as above
        from apps.staff.enums import Role  # noqa: PLC0415 - as above
        from apps.staff.home import register_home_card  # noqa: PLC0415 - as above

        for card in (
            home.parked_events_card,
            home.conflicts_card,
            home.rejections_card,
            home.unjudged_card,
        ):
            register_home_card([Role.INTEGRATION_ENGINEER], card)
        register_delivery_action(admin_actions.REPROCESS)
        register_round_action(admin_actions.CLOSE_ROUND)
        register_key_panel(admin_actions.key_use_panel)
        register_policy_action(admin_actions.ID_SCOPES)
        register_policy_panel(admin_actions.id_scopes_panel)
        register_approval(
            wallet_model.WALLET_MODEL,
            permission="wallet.approve_play_model",
            handler=wallet_model.execute_wallet_model,
            recheck=wallet_model.recheck_wallet_model,
            label="Change a provider's wallet model",
        )
        register_approval(
            closing.ROUND_CLOSING,
            permission="rounds.approve_closing",
            handler=closing.execute_closing,
            recheck=closing.recheck_closing,
            label="Close a stuck round",
        )
