from typing import override

from django.apps import AppConfig

from apps.staff.approvals import register_approval
from apps.staff.enums import Role


class PromotionsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.promotions"
    label = "promotions"

    @override
    def ready(self) -> None:
        from apps.promotions import home
        from apps.promotions.services import review
        from apps.staff.home import register_home_card

        register_approval(
            review.APPROVAL_KIND,
            permission="promotions.approve_campaign",
            asking="promotions.submit_campaign",
            handler=review.execute_approval,
            recheck=review.recheck_campaign,
            editors=review.editors_of_campaign,
            label="Approve a campaign",
        )

        register_home_card([Role.PROMO_MANAGER], home.live_campaigns_card)
        register_home_card([Role.PROMO_MANAGER], home.campaigns_in_review_card)
        register_home_card([Role.PROMO_MANAGER], home.tagged_events_card)
