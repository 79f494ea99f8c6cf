from typing import override

from django.apps import AppConfig


class AuditingConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.auditing"
    label = "auditing"

    @override
    def ready(self) -> None:
        from apps.auditing import home
        from apps.auditing.services import consents
        from apps.staff.approvals import register_approval
        from apps.staff.enums import Role
        from apps.staff.home import register_home_card

        register_approval(
            consents.CONSENT,
            permission="auditing.approve_export",
            asking="auditing.add_export",
            handler=consents.execute_consent,
            recheck=consents.recheck_consent,
            label="Hand out an export",
        )
        register_home_card([Role.AUDITOR], home.samples_card, place=20)
