from typing import override

from django.apps import AppConfig

from apps.staff.approvals import register_approval


class PromotionsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.promotions"
    label = "promotions"

    @override
    def ready(self) -> None:
        from apps.promotions.services import review  # noqa: PLC0415 - services need the models, which are not loaded before

        register_approval(
            review.APPROVAL_KIND,
            permission="promotions.approve_campaign",
            handler=review.execute_approval,
            recheck=review.recheck_campaign,
            editors=review.editors_of_campaign,
            label="Approve a campaign",
        )
