"""The nightly audits of sub-wallets and transferred pots, and what they found."""

from collections.abc import Sequence
from typing import Final, override
from urllib.parse import quote

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from apps.core.admin import (
    ActionCall,
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    ReasonedAction,
    badge,
    badge_column,
    choice_filter,
    datetime_column,
    link_cell,
    linked_filter,
    money_cell,
    money_column,
)
from apps.wallet.admin.ledger import account_row
from apps.wallet.enums import FindingState
from apps.wallet.models import AuditFinding, Transfer, WalletAudit
from apps.wallet.selectors import account_name
from apps.wallet.services.audits import explain_finding

_PANEL_ROWS: Final = 50
_FINDING_TONES: Final[dict[str, str]] = {
    FindingState.OPEN: "danger",
    FindingState.EXPLAINED: "success",
}


@admin.register(WalletAudit)
class WalletAuditAdmin(PanelsMixin, ReadOnlyAdmin[WalletAudit]):
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
        "found",
    ]
    search_fields = ["provider_code__exact"]
    search_help_text = "Provider's code, exactly"
    ordering = ["-audited_at", "-pk"]
    fields = ["provider_code", "audited_at", "compared", "unheard", "words", "findings"]

    @admin.display(description="new findings", ordering="findings")
    def found(self, audit: WalletAudit) -> SafeString:
        return badge(f"{audit.findings:,}", "danger" if audit.findings else "success")

    @override
    def panels(self, request: HttpRequest, obj: WalletAudit) -> Sequence[Panel]:
        found = AuditFinding.objects.filter(audit=obj).select_related("account__player")
        return [
            Panel(
                title="What it found for the first time",
                note="Open each to see what the balance is made of, and explain it. A difference "
                "that an earlier audit found is not found again.",
                columns=["After event", "Pot", "Ours", "Theirs", "Theirs minus ours", "State"],
                rows=[_finding_row(one) for one in found.order_by("pk")[:_PANEL_ROWS]],
                empty_text="Every balance that the provider stated is what moved here.",
                tone="danger" if obj.findings else "",
                link=reverse("admin:wallet_auditfinding_changelist")
                + f"?provider_code={obj.provider_code}&state=open",
                link_text="All open findings of this provider",
            )
        ]


def _page(model: str, pk: int) -> str:
    return reverse(f"admin:wallet_{model}_change", args=[pk])


def _moved_page(finding: AuditFinding) -> str:
    subject = quote(f"{finding.provider_code}:{finding.event_id}")
    return f"{reverse('admin:wallet_transfer_changelist')}?q={subject}"


def _finding_row(finding: AuditFinding) -> list[str]:
    difference = finding.theirs_minor - finding.ours_minor
    return [
        link_cell(_page("auditfinding", finding.pk), finding.event_id),
        account_name(finding.account),
        money_cell(finding.ours_minor, finding.currency),
        money_cell(finding.theirs_minor, finding.currency),
        money_cell(difference, finding.currency),
        badge(finding.get_state_display(), _FINDING_TONES[finding.state]),
    ]


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
        badge_column("state", tones=_FINDING_TONES),
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
                title="Where to look",
                rows=[
                    ["What the event moved", link_cell(_moved_page(obj), obj.event_id)],
                    ["The pot", link_cell(_page("account", obj.account_id), self.pot(obj))],
                    ["The audit", link_cell(_page("walletaudit", obj.audit_id), obj.audit)],
                ],
            ),
            Panel(
                title="What the pot's balance at that event is made of, youngest first",
                note=f"At most {_PANEL_ROWS} lines. Look for one that the provider doesn't have, "
                "or a round of theirs that is missing here.",
                columns=["Transfer", "Kind", "Against", "Amount", "Played", "Subject"],
                rows=[account_row(line, obj.account_id) for line in lines],
                empty_text="Nothing had moved here by then.",
            ),
        ]
