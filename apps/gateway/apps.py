from typing import override

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.gateway"
    label = "gateway"

    @override
    def ready(self) -> None:
        from apps.gateway import home  # noqa: PLC0415 - models are not loaded before this
        from apps.staff.enums import Role  # noqa: PLC0415 - as above
        from apps.staff.home import register_home_card  # noqa: PLC0415 - as above

        for card in (
            home.parked_events_card,
            home.conflicts_card,
            home.rejections_card,
            home.unjudged_card,
        ):
            register_home_card([Role.INTEGRATION_ENGINEER], card)
