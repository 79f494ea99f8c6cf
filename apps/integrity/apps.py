from typing import override

from django.apps import AppConfig


class IntegrityConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.integrity"
    label = "integrity"

    @override
    def ready(self) -> None:
        from apps.integrity import home
        from apps.integrity.services import accepting
        from apps.staff.approvals import register_approval
        from apps.staff.enums import Role
        from apps.staff.home import register_home_card

        seats = [Role.COMPLIANCE_OFFICER, Role.INTEGRATION_ENGINEER, Role.AUDITOR]
        register_home_card(seats, home.faults_card)
        register_home_card(seats, home.overdue_card)
        register_approval(
            accepting.ACCEPT,
            permission="integrity.approve_acceptance",
            asking="integrity.request_acceptance",
            handler=accepting.execute_acceptance,
            recheck=accepting.recheck_acceptance,
            label="Accept a digest that is not certified",
        )
