from typing import override

from django.apps import AppConfig


class OnboardingConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.onboarding"
    label = "onboarding"

    @override
    def ready(self) -> None:
        from apps.onboarding import home
        from apps.onboarding.services import going_live
        from apps.staff.approvals import register_approval
        from apps.staff.enums import Role
        from apps.staff.home import register_home_card

        seats = [Role.INTEGRATION_ENGINEER, Role.COMPLIANCE_OFFICER]
        register_home_card(seats, home.waiting_providers_card)
        register_home_card([*seats, Role.AUDITOR], home.broken_items_card)
        register_approval(
            going_live.GO_LIVE,
            permission="onboarding.approve_go_live",
            asking="onboarding.request_go_live",
            handler=going_live.execute_go_live,
            recheck=going_live.recheck_go_live,
            label="Take a provider live",
        )
