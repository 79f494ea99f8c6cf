from typing import override

from django.apps import AppConfig


class AuditingConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.auditing"
    label = "auditing"

    @override
    def ready(self) -> None:
        from apps.auditing import home  # noqa: PLC0415 - models are not loaded before
        from apps.auditing.services import consents  # noqa: PLC0415 - as above
        from apps.staff.approvals import register_approval  # noqa: PLC0415 - as above
        from apps.staff.enums import Role  # noqa: PLC0415 - as above
        from apps.staff.home import register_home_card  # noqa: PLC0415 - as above

        register_approval(
            consents.CONSENT,
            permission="auditing.approve_export",
            handler=consents.execute_consent,
            recheck=consents.recheck_consent,
            label="Hand out an export",
        )
        register_home_card([Role.AUDITOR], home.samples_card, place=20)
