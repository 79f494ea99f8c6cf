from typing import override

from django.apps import AppConfig


class StaffConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.staff"
    label = "staff"

    @override
    def ready(self) -> None:
        from apps.staff import home  # noqa: PLC0415 - models are not loaded before this
        from apps.staff.enums import Role  # noqa: PLC0415 - as above

        home.register_home_card(Role.values, home.own_requests_card)
        home.register_home_card([Role.INTEGRATION_ENGINEER], home.parked_messages_card)
        home.register_home_card([Role.AUDITOR], home.audit_card)
