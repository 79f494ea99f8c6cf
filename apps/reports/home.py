"""Home cards for those who look at the whole: finance and auditors."""

from django.http import HttpRequest
from django.urls import reverse

from apps.core.admin import display_at
from apps.core.money import display_money
from apps.reports import selectors
from apps.staff.contracts import HomeCard, HomeRow
from apps.staff.selectors import decided_approvals
from apps.wallet.selectors import newest_seals


def net_position_card(_request: HttpRequest) -> HomeCard:
    """Show the newest reporting day's GGR per provider and currency."""
    day = selectors.latest_day()
    totals = [] if day is None else selectors.totals_of(selectors.net_position(day))
    return HomeCard(
        title="Daily net position",
        value="" if day is None else day.isoformat(),
        note="GGR per provider and currency, newest reporting day",
        link=reverse("admin:reports_netposition_changelist"),
        rows=tuple(
            HomeRow(
                title=f"{total.provider_name} {total.currency}",
                link=f"{reverse('admin:reports_netposition_changelist')}?day={day}",
                meta=display_money(total.ggr_minor, total.currency),
                tone="danger" if total.ggr_minor < 0 else "success",
            )
            for total in totals
        ),
        empty_text="Nothing was played yet.",
    )


def executed_approvals_card(_request: HttpRequest) -> HomeCard:
    approvals = decided_approvals(limit=8)
    return HomeCard(
        title="Decided by two people",
        link=reverse("admin:staff_approval_changelist"),
        rows=tuple(
            HomeRow(
                title=approval.title,
                link=reverse("admin:staff_approval_change", args=[approval.pk]),
                meta=f"{approval.requested_by} → {approval.decided_by}",
                tone="success" if approval.state == "executed" else "neutral",
            )
            for approval in approvals
        ),
        empty_text="No approval was decided yet.",
    )


def ledger_seals_card(_request: HttpRequest) -> HomeCard:
    seals = newest_seals(limit=5)
    return HomeCard(
        title="Ledger seals",
        tone="info" if seals else "neutral",
        link=reverse("admin:wallet_ledgerseal_changelist"),
        rows=tuple(
            HomeRow(
                title=f"Transfers {seal.first_transfer_id:,} to {seal.last_transfer_id:,}",
                link=reverse("admin:wallet_ledgerseal_change", args=[seal.pk]),
                meta=display_at(seal.sealed_at),
            )
            for seal in seals
        ),
        empty_text="No run of transfers is sealed yet. manage.py verify_ledger checks the rest.",
    )
