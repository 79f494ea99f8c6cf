"""The ledger: read here, written by services only."""

from collections.abc import Sequence
from typing import Any, override

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse

from apps.core.admin import (
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    above_filter,
    at_cell,
    badge,
    badge_column,
    choice_filter,
    datetime_column,
    link_cell,
    linked_filter,
    money_cell,
    money_column,
    present_filter,
)
from apps.wallet.admin_actions import TRANSFER_ACTIONS
from apps.wallet.enums import Direction, GameTransferState, Pot, TransferKind
from apps.wallet.models import (
    Account,
    GameTransfer,
    LedgerSeal,
    Transfer,
)
from apps.wallet.selectors import account_name, pot_label, transfers_for_subject

_PANEL_ROWS = 50


@admin.register(Account)
class AccountAdmin(PanelsMixin, ReadOnlyAdmin[Account]):
    list_empty_text = "No account is open. A player's are opened when the player comes."
    list_display = ["name", "pot_badge", "currency", "balance"]
    list_filter = [
        linked_filter("pot", "pot", Pot.choices),
        linked_filter("currency", "currency"),
        above_filter("balance_minor", "balance in minor units"),
        present_filter("player", "owner", present="Player", absent="House"),
    ]
    list_select_related = ["player"]
    search_fields = ["player__player_ref__exact", "house__exact"]
    search_help_text = "Player or house account, exactly"
    ordering = ["pk"]
    readonly_fields = ["name", "pot_badge", "balance"]
    fields = [("name", "pot_badge"), ("currency", "balance")]

    @admin.display(description="account")
    def name(self, account: Account) -> str:
        return account_name(account)

    @admin.display(description="pot", ordering="pot")
    def pot_badge(self, account: Account) -> Any:
        return badge(pot_label(account.pot), "info") if account.pot else "house"

    @admin.display(description="balance", ordering="balance_minor")
    def balance(self, account: Account) -> str:
        if account.player_id is None:
            return "the fold of its transfers"
        return money_cell(account.balance_minor, account.currency)

    @override
    def panels(self, request: HttpRequest, obj: Account) -> Sequence[Panel]:
        return [account_lines_panel(obj.pk)]


def account_lines_panel(
    account_id: int, *, meaning: str = "a minus takes money out of this account"
) -> Panel:
    """Show the newest lines of an account, each with what it was against."""
    lines = (
        Transfer.objects.filter(Q(debit_account=account_id) | Q(credit_account=account_id))
        .select_related("debit_account__player", "credit_account__player")
        .order_by("-pk")[:_PANEL_ROWS]
    )
    return Panel(
        title="Newest transfers",
        note=f"At most {_PANEL_ROWS}; {meaning}.",
        columns=["Transfer", "Kind", "Against", "Amount", "Played", "Subject"],
        rows=[account_row(line, account_id) for line in lines],
        empty_text="Nothing was ever moved here.",
    )


def account_row(line: Transfer, account_id: int) -> list[str]:
    is_debit = line.debit_account_id == account_id
    other = line.credit_account if is_debit else line.debit_account
    return [
        link_cell(reverse("admin:wallet_transfer_change", args=[line.pk]), line.pk),
        line.get_kind_display(),
        account_name(other),
        money_cell(-line.amount_minor if is_debit else line.amount_minor, line.currency),
        at_cell(line.occurred_at),
        line.subject,
    ]


@admin.register(Transfer)
class TransferAdmin(PanelsMixin, ReadOnlyAdmin[Transfer]):
    list_empty_text = "No money moved."
    list_display = [
        "id",
        "kind",
        "debit",
        "credit",
        money_column("amount_minor", title="amount"),
        "subject",
        datetime_column("occurred_at", title="occurred"),
        datetime_column("created_at", title="posted"),
    ]
    list_filter = [choice_filter("kind", "kind (newest 20,000)", TransferKind.choices, indexed=())]
    list_select_related = ["debit_account__player", "credit_account__player"]
    search_fields = ["subject__exact", "idempotency_key__exact"]
    search_help_text = "Subject (provider:event) or idempotency key, exactly"
    ordering = ["-pk"]
    readonly_fields = ["debit", "credit", "amount"]
    fields = [
        ("kind", "amount"),
        ("debit", "credit"),
        ("subject", "reverses"),
        ("occurred_at", "created_at"),
        ("idempotency_key", "batch_id"),
        "note",
    ]
    amount = staticmethod(money_column("amount_minor", title="amount"))

    @admin.display(description="from (debit)")
    def debit(self, transfer: Transfer) -> str:
        return account_name(transfer.debit_account)

    @admin.display(description="to (credit)")
    def credit(self, transfer: Transfer) -> str:
        return account_name(transfer.credit_account)

    @override
    def panels(self, request: HttpRequest, obj: Transfer) -> Sequence[Panel]:
        lines = (
            Transfer.objects.filter(subject=obj.subject)
            .exclude(pk=obj.pk)
            .select_related("debit_account__player", "credit_account__player")
            .order_by("pk")[:_PANEL_ROWS]
        )
        return [
            Panel(
                title="Other transfers of the same subject",
                columns=["Transfer", "Kind", "From → to", "Amount", "Posted"],
                rows=[
                    [
                        link_cell(reverse("admin:wallet_transfer_change", args=[line.pk]), line.pk),
                        line.get_kind_display(),
                        f"{account_name(line.debit_account)} → {account_name(line.credit_account)}",
                        money_cell(line.amount_minor, line.currency),
                        at_cell(line.created_at),
                    ]
                    for line in lines
                ],
                empty_text="This is the only one.",
            )
        ]


@admin.register(LedgerSeal)
class LedgerSealAdmin(ReadOnlyAdmin[LedgerSeal]):
    list_empty_text = "No run of transfers is sealed yet. The worker seals what was posted."
    list_display = [
        "first_transfer_id",
        "last_transfer_id",
        "transfer_count",
        "digest",
        datetime_column("sealed_at", title="sealed"),
    ]
    search_fields = ["digest__exact"]
    search_help_text = "Digest, exactly"
    ordering = ["-last_transfer_id"]


_TRANSFER_TONES: dict[str, str] = {
    GameTransferState.REQUESTED: "info",
    GameTransferState.UNRESOLVED: "warning",
    GameTransferState.CONFIRMED: "success",
    GameTransferState.FAILED: "neutral",
}


@admin.register(GameTransfer)
class GameTransferAdmin(PanelsMixin, ReadOnlyAdmin[GameTransfer]):
    """Money on its way to a provider's own wallet and back: the provider decides, or two people."""

    list_empty_text = "No money went to or came from a provider's wallet or a sub-wallet."
    list_display = [
        "public_id",
        "provider_code",
        "player",
        "direction",
        money_column("amount_minor", title="amount"),
        badge_column("state", tones=_TRANSFER_TONES),
        "attempts",
        datetime_column("requested_at", title="requested"),
        datetime_column("decided_at", title="decided"),
    ]
    list_filter = [
        present_filter("decided_at", "decided", present="Decided", absent="On its way"),
        linked_filter("provider_code", "provider"),
        linked_filter("currency", "currency"),
        choice_filter("state", "state", GameTransferState.choices),
        choice_filter("direction", "direction", Direction.choices),
    ]
    list_select_related = ["player"]
    search_fields = ["public_id__exact", "idempotency_key__exact", "player__player_ref__exact"]
    search_help_text = "Transaction id, idempotency key or player, exactly"
    ordering = ["-pk"]
    readonly_fields = ["amount"]
    fields = [
        ("public_id", "state"),
        ("provider_code", "player", "direction"),
        ("amount", "attempts"),
        ("requested_at", "next_attempt_at", "decided_at"),
        ("code", "last_error"),
        "idempotency_key",
    ]
    amount = staticmethod(money_column("amount_minor", title="amount"))
    reasoned_actions = TRANSFER_ACTIONS

    @override
    def panels(self, request: HttpRequest, obj: GameTransfer) -> Sequence[Panel]:
        lines = transfers_for_subject(f"game-transfer:{obj.public_id}")
        return [
            Panel(
                title="What it moved",
                note="Until it is decided the amount stands on the in-transit account and in "
                "nobody's pot.",
                columns=["Transfer", "Kind", "From → to", "Amount", "Posted"],
                rows=[
                    [
                        link_cell(reverse("admin:wallet_transfer_change", args=[line.id]), line.id),
                        line.kind,
                        f"{line.debit} → {line.credit}",
                        money_cell(line.amount_minor, line.currency),
                        at_cell(line.created_at),
                    ]
                    for line in lines
                ],
            )
        ]
