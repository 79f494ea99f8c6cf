from typing import override

from django.apps import AppConfig


class StaffConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.staff"
    label = "staff"

    @override
    def ready(self) -> None:
        from apps.core.populations import register_population  # noqa: PLC0415 - models are not loaded before
        from apps.core.services import register_rotation  # noqa: PLC0415 - as above
        from apps.staff import home  # noqa: PLC0415 - as above
        from apps.staff.approvals import register_approval  # noqa: PLC0415 - as above
        from apps.staff.enums import Role  # noqa: PLC0415 - as above
        from apps.staff.populations import DECIDED_APPROVALS  # noqa: PLC0415 - as above
        from apps.staff.services import second_factor  # noqa: PLC0415 - as above

        home.register_home_card(Role.values, home.own_requests_card)
        home.register_home_card([Role.INTEGRATION_ENGINEER], home.parked_messages_card)
        home.register_home_card([Role.AUDITOR], home.audit_card)
        register_approval(
            second_factor.MFA_RESET,
            permission="staff.approve_mfa_reset",
            handler=second_factor.handle_mfa_reset,
            editors=lambda payload: {payload["user_id"]},
            label="Reset a colleague's second factor",
        )
        register_population(DECIDED_APPROVALS)
        register_rotation("mfa_authenticator.data", second_factor.rotate_mfa_secrets)
