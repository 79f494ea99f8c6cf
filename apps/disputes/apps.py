from typing import override

from django.apps import AppConfig

from apps.staff.approvals import register_approval


class DisputesConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.disputes"
    label = "disputes"

    @override
    def ready(self) -> None:
        from apps.core.admin import ReasonedAction  # noqa: PLC0415 - models are not loaded before
        from apps.core.populations import register_population  # noqa: PLC0415 - as above
        from apps.disputes import home, selectors  # noqa: PLC0415 - as above
        from apps.disputes.admin import actions  # noqa: PLC0415 - as above
        from apps.disputes.forms import ClaimForm  # noqa: PLC0415 - as above
        from apps.disputes.populations import POPULATIONS  # noqa: PLC0415 - as above
        from apps.disputes.services import crediting  # noqa: PLC0415 - as above
        from apps.rounds.enums import Origin  # noqa: PLC0415 - as above
        from apps.rounds.event_actions import register_event_action  # noqa: PLC0415 - as above
        from apps.staff.enums import Role  # noqa: PLC0415 - as above
        from apps.staff.home import register_home_card  # noqa: PLC0415 - as above

        for population in POPULATIONS:
            register_population(population)
        register_home_card([Role.CS_AGENT, Role.CS_SUPERVISOR], home.my_cases_card)
        register_home_card([Role.CS_AGENT, Role.CS_SUPERVISOR], home.unassigned_card)
        register_home_card([Role.CS_SUPERVISOR], home.credits_card)
        register_home_card([Role.CS_SUPERVISOR], home.overdue_card)
        register_approval(
            selectors.CREDIT,
            permission="disputes.approve_credit",
            handler=crediting.execute_credit,
            recheck=crediting.recheck_credit,
            label="Credit a dispute",
        )
        register_event_action(
            ReasonedAction(
                name="dispute",
                label="Open dispute",
                permission="disputes.open_case",
                perform=actions.open_about_event,
                question="A case about this event. Its clocks start now: 24 hours to acknowledge, "
                "8 weeks to decide.",
                tone="primary",
                form_class=ClaimForm,
                is_offered=lambda event, _user: event.origin == Origin.CALLBACK,
            )
        )
