from typing import override

from django.apps import AppConfig


class WalletConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.wallet"
    label = "wallet"

    @override
    def ready(self) -> None:
        from apps.staff.approvals import register_approval
        from apps.wallet.services import transfer_fates

        register_approval(
            transfer_fates.TRANSFER_FATE,
            permission="wallet.approve_transfer_fate",
            asking="wallet.request_transfer_fate",
            handler=transfer_fates.execute_fate,
            recheck=transfer_fates.recheck_fate,
            label="Decide a transfer with a provider",
        )
