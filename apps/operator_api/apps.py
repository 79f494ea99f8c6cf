from typing import override

from django.apps import AppConfig


class OperatorApiConfig(AppConfig):
    name = "apps.operator_api"
    label = "operator_api"
    verbose_name = "Operator API"
    default_auto_field = "django.db.models.BigAutoField"

    @override
    def ready(self) -> None:
        from apps.operator_api.selectors import MONEY_CLIENT_APPROVAL
        from apps.operator_api.services import token_requests
        from apps.staff.approvals import register_approval

        register_approval(
            MONEY_CLIENT_APPROVAL,
            permission="operator_api.approve_apitoken",
            asking="operator_api.add_apitoken",
            handler=token_requests.execute_token,
            label="Issue an API token that moves money",
        )
