from typing import override

from django.apps import AppConfig


class StaffConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.staff"
    label = "staff"

    @override
    def ready(self) -> None:
        from apps.core.populations import register_population
        from apps.core.services import register_rotation
        from apps.staff import home
        from apps.staff.approvals import register_approval
        from apps.staff.enums import Role
        from apps.staff.populations import DECIDED_APPROVALS
        from apps.staff.services import second_factor

        home.register_home_card(Role.values, home.own_requests_card)
        home.register_home_card([Role.INTEGRATION_ENGINEER], home.parked_messages_card)
        home.register_home_card([Role.AUDITOR], home.audit_card)
        register_approval(
            second_factor.MFA_RESET,
            permission="staff.approve_mfa_reset",
            asking="staff.ask_mfa_reset",
            handler=second_factor.handle_mfa_reset,
            editors=lambda payload: {payload["user_id"]},
            label="Reset a colleague's second factor",
        )
        register_population(DECIDED_APPROVALS)
        register_rotation("mfa_authenticator.data", second_factor.rotate_mfa_secrets)
