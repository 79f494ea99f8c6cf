"""What players owe us, on the home page of who ends it."""

from typing import Final

from django.http import HttpRequest
from django.urls import reverse

from apps.core.money import display_money
from apps.staff.contracts import HomeCard, HomeRow
from apps.staff.home import register_home_card
from apps.staff.home_cards import MAX_ROWS
from apps.wallet.selectors import open_receivables

ROLES: Final = ("Finance analyst", "Auditor")


def register() -> None:
    """Put this app's cards on the home pages; called once when the app is ready."""
    register_home_card(ROLES, open_receivables_card)


def open_receivables_card(_request: HttpRequest) -> HomeCard:
    found = open_receivables()
    sums: dict[str, int] = {}
    for one in found:
        sums[one.currency] = sums.get(one.currency, 0) + one.open_minor
    in_all = ", ".join(display_money(owed, currency) for currency, owed in sums.items())
    return HomeCard(
        title="Open receivables",
        value=f"{len(found):,}",
        tone="warning" if found else "success",
        note=f"in all {in_all}" if found else "",
        link=reverse("admin:wallet_receivableaccount_changelist") + "?standing=open",
        rows=tuple(
            HomeRow(
                title=one.player_ref,
                link=reverse("admin:wallet_receivableaccount_change", args=[one.account_id]),
                meta=display_money(one.open_minor, one.currency),
                tone="warning",
            )
            for one in found[:MAX_ROWS]
        ),
        empty_text="No player owes us anything.",
    )
