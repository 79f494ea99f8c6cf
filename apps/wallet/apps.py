from typing import override

from django.apps import AppConfig


class WalletConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "apps.wallet"
    label = "wallet"

    @override
    def ready(self) -> None:
        from apps.staff.approvals import register_approval
        from apps.wallet import home
        from apps.wallet.services import receivables, transfer_fates

        home.register()
        register_approval(
            receivables.RECEIVABLE_END,
            permission="wallet.approve_receivable_end",
            asking="wallet.request_receivable_end",
            handler=receivables.execute_receivable_end,
            recheck=receivables.recheck_receivable_end,
            label="Settle or write off what a player owes",
        )
        register_approval(
            transfer_fates.TRANSFER_FATE,
            permission="wallet.approve_transfer_fate",
            asking="wallet.request_transfer_fate",
            handler=transfer_fates.execute_fate,
            recheck=transfer_fates.recheck_fate,
            label="Decide a transfer with a provider",
        )
