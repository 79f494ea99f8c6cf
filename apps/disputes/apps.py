from typing import override

from django.apps import AppConfig

from apps.staff.approvals import register_approval


class DisputesConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.disputes"
    label = "disputes"

    @override
    def ready(self) -> None:
        from apps.core.admin import ReasonedAction
        from apps.core.populations import register_population
        from apps.disputes import home, selectors
        from apps.disputes.admin import actions
        from apps.disputes.forms import ClaimForm
        from apps.disputes.populations import POPULATIONS
        from apps.disputes.services import crediting
        from apps.rounds.enums import Origin
        from apps.rounds.event_actions import register_event_action
        from apps.staff.enums import Role
        from apps.staff.home import register_home_card

        for population in POPULATIONS:
            register_population(population)
        register_home_card([Role.CS_AGENT, Role.CS_SUPERVISOR], home.my_cases_card)
        register_home_card([Role.CS_AGENT, Role.CS_SUPERVISOR], home.unassigned_card)
        register_home_card([Role.CS_SUPERVISOR], home.credits_card)
        register_home_card([Role.CS_SUPERVISOR], home.overdue_card)
        register_approval(
            selectors.CREDIT,
            permission="disputes.approve_credit",
            asking="disputes.work_case",
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
