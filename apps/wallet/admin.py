"""The ledger: read here, written by services only."""

from collections.abc import Sequence
from typing import Any, override

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse

from apps.core.admin import (
    ActionCall,
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    ReasonedAction,
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
from apps.wallet.enums import Direction, FindingState, GameTransferState, Pot, TransferKind
from apps.wallet.models import (
    Account,
    AuditFinding,
    GameTransfer,
    LedgerSeal,
    Transfer,
    WalletAudit,
)
from apps.wallet.selectors import account_name, pot_label, transfers_for_subject
from apps.wallet.services.audits import explain_finding

_PANEL_ROWS = 50


@admin.register(Account)
class AccountAdmin(PanelsMixin, ReadOnlyAdmin[Account]):
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
    readonly_fields = ["name", "balance"]
    fields = [("name", "pot"), ("currency", "balance")]

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
        lines = (
            Transfer.objects.filter(Q(debit_account=obj) | Q(credit_account=obj))
            .select_related("debit_account__player", "credit_account__player")
            .order_by("-pk")[:_PANEL_ROWS]
        )
        return [
            Panel(
                title="Newest transfers",
                note=f"At most {_PANEL_ROWS}; a minus takes money out of this account.",
                columns=["Transfer", "Kind", "Against", "Amount", "Played", "Subject"],
                rows=[_account_row(line, obj.pk) for line in lines],
                empty_text="Nothing was ever moved here.",
            )
        ]


def _account_row(line: Transfer, account_id: int) -> list[str]:
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


@admin.register(WalletAudit)
class WalletAuditAdmin(ReadOnlyAdmin[WalletAudit]):
    """Each night's comparison, also where it found nothing."""

    list_empty_text = (
        "No sub-wallet was audited. Each is swept and audited at night once a provider uses them."
    )
    list_display = [
        "provider_code",
        datetime_column("audited_at", title="audited"),
        "compared",
        "unheard",
        "words",
        "findings",
    ]
    search_fields = ["provider_code__exact"]
    search_help_text = "Provider's code, exactly"
    ordering = ["-audited_at", "-pk"]


def _explain(call: ActionCall) -> str:
    explain_finding(
        finding_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    return "Explained. The finding and your words stay; the next audit compares anew."


@admin.register(AuditFinding)
class AuditFindingAdmin(PanelsMixin, ReadOnlyAdmin[AuditFinding]):
    """Where a sub-wallet or transferred pot left the chain of the provider's balances."""

    list_empty_text = "No audit found a difference."
    list_display = [
        "event_id",
        "provider_code",
        "pot",
        money_column("ours_minor", title="ours"),
        money_column("theirs_minor", title="theirs"),
        "difference",
        badge_column(
            "state", tones={FindingState.OPEN: "danger", FindingState.EXPLAINED: "success"}
        ),
        datetime_column("event_at", title="after event of"),
    ]
    list_filter = [
        choice_filter("state", "state", FindingState.choices),
        linked_filter("provider_code", "provider"),
    ]
    list_select_related = ["account__player"]
    search_fields = ["event_id__exact", "account__player__player_ref__exact"]
    search_help_text = "Event or player, exactly"
    ordering = ["-pk"]
    readonly_fields = ["pot", "ours", "theirs", "difference", "before", "moved", "expected"]
    fields = [
        ("pot", "provider_code"),
        ("event_before", "before"),
        ("moved", "expected"),
        ("event_id", "event_at"),
        ("ours", "theirs", "difference"),
        ("state", "explained_at"),
        "explanation",
    ]
    ours = staticmethod(money_column("ours_minor", title="ours"))
    theirs = staticmethod(money_column("theirs_minor", title="theirs"))
    reasoned_actions = [
        ReasonedAction(
            name="explain",
            label="Explain",
            permission="wallet.explain_auditfinding",
            perform=_explain,
            question="Closes this finding with your words. It moves no money: what is missing is "
            "corrected through reconciliation or a dispute.",
            tone="primary",
            is_offered=lambda finding, _user: finding.state == FindingState.OPEN,
        )
    ]

    @admin.display(description="pot")
    def pot(self, finding: AuditFinding) -> str:
        return account_name(finding.account)

    @admin.display(description="theirs minus ours")
    def difference(self, finding: AuditFinding) -> str:
        return money_cell(finding.theirs_minor - finding.ours_minor, finding.currency)

    @admin.display(description="the provider said then")
    def before(self, finding: AuditFinding) -> str:
        return money_cell(finding.theirs_before_minor, finding.currency)

    @admin.display(description="moved here up to the event")
    def moved(self, finding: AuditFinding) -> str:
        return money_cell(finding.moved_minor, finding.currency)

    @admin.display(description="so theirs should be")
    def expected(self, finding: AuditFinding) -> str:
        if finding.theirs_before_minor is None or finding.moved_minor is None:
            return "the first the provider said: ours"
        expected = finding.theirs_before_minor + finding.moved_minor
        return money_cell(expected, finding.currency)

    @override
    def panels(self, request: HttpRequest, obj: AuditFinding) -> Sequence[Panel]:
        lines = (
            Transfer.objects.filter(Q(debit_account=obj.account) | Q(credit_account=obj.account))
            .filter(occurred_at__lte=obj.event_at)
            .select_related("debit_account__player", "credit_account__player")
            .order_by("-occurred_at", "-pk")[:_PANEL_ROWS]
        )
        return [
            Panel(
                title="What the pot's balance at that event is made of, youngest first",
                note=f"At most {_PANEL_ROWS} lines. Look for one that the provider doesn't have, "
                "or a round of theirs that is missing here.",
                columns=["Transfer", "Kind", "Against", "Amount", "Played", "Subject"],
                rows=[_account_row(line, obj.account_id) for line in lines],
                empty_text="Nothing had moved here by then.",
            )
        ]
