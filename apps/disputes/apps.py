from typing import override

from django.apps import AppConfig

from apps.staff.approvals import register_approval


class DisputesConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.disputes"
    label = "disputes"

    @override
    def ready(self) -> None:
        from apps.disputes import selectors  # noqa: PLC0415 - models are not loaded before this
        from apps.disputes.services import crediting  # noqa: PLC0415 - as above

        register_approval(
            selectors.CREDIT,
            permission="disputes.approve_credit",
            handler=crediting.execute_credit,
            recheck=crediting.recheck_credit,
            label="Credit a dispute",
        )
