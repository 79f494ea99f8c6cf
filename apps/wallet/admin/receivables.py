"""What players owe us: who, how much, which lines it is made of, and how it ends."""

from collections.abc import Sequence
from typing import Any, override

from django.contrib import admin
from django.db.models import F, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.lookups import GreaterThan, LessThanOrEqual
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from apps.core.admin import Panel, PanelsMixin, ReadOnlyAdmin, link_cell, money_column
from apps.core.money import display_money
from apps.players.selectors import player_by_ref
from apps.staff.selectors import approval_of, is_pending
from apps.wallet.admin.ledger import account_lines_panel
from apps.wallet.admin_actions import RECEIVABLE_ACTIONS
from apps.wallet.contracts import RECEIVABLE
from apps.wallet.enums import Pot
from apps.wallet.models import ReceivableAccount
from apps.wallet.selectors import balances, receivable_accounts
from apps.wallet.services.receivables import RECEIVABLE_END, end_subject


class StandingFilter(admin.SimpleListFilter):
    title = "standing"
    parameter_name = "standing"

    @override
    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
    ) -> list[tuple[str, str]]:
        return [("open", "Open"), ("ended", "Nothing owed")]

    @override
    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ReceivableAccount]
    ) -> QuerySet[ReceivableAccount]:
        match self.value():
            case "open":
                return queryset.filter(GreaterThan(F("open_minor"), 0))
            case "ended":
                return queryset.filter(LessThanOrEqual(F("open_minor"), 0))
            case _:
                return queryset


@admin.register(ReceivableAccount)
class ReceivableAccountAdmin(PanelsMixin, ReadOnlyAdmin[ReceivableAccount]):
    """Played stakes and spent wins that no pot of the player covered."""

    list_empty_text = "No player owes us anything."
    list_display = ["owed_by", "currency", money_column("open_minor", title="owed")]
    list_filter = [StandingFilter]
    search_fields = ["house__exact"]
    search_help_text = "Player, exactly"
    readonly_fields = ["player_link", "owed"]
    fields = [("player_link", "owed")]
    owed = staticmethod(money_column("open_minor", title="owed"))
    reasoned_actions = RECEIVABLE_ACTIONS

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[ReceivableAccount]:
        return receivable_accounts()

    @override
    def get_ordering(self, request: HttpRequest) -> list[str | Combinable]:
        # Of a figure that the queryset adds up; the attribute may name columns only.
        return ["currency", "-open_minor", "pk"]

    @override
    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ReceivableAccount], search_term: str
    ) -> tuple[QuerySet[ReceivableAccount], bool]:
        term = search_term.strip()
        named = f"{RECEIVABLE}{term.removeprefix(RECEIVABLE)}" if term else ""
        return super().get_search_results(request, queryset, named)

    @admin.display(description="player", ordering="house")
    def owed_by(self, account: ReceivableAccount) -> str:
        return account.player_ref

    @admin.display(description="player")
    def player_link(self, account: ReceivableAccount) -> SafeString:
        page = reverse("admin:players_player_change", args=[player_by_ref(account.player_ref).id])
        return link_cell(page, account.player_ref)

    @override
    def panels(self, request: HttpRequest, obj: ReceivableAccount) -> Sequence[Panel]:
        return [
            _next_step_panel(obj),
            account_lines_panel(obj.pk, meaning="a minus is owed, a plus ends or returns it"),
        ]


def _next_step_panel(account: Any) -> Panel:
    """Say what is open: nothing, somebody's decision, or the choice between the two ends."""
    subject = end_subject(account.player_ref, account.currency)
    asked = approval_of(RECEIVABLE_END, subject) if is_pending(RECEIVABLE_END, subject) else None
    if account.open_minor <= 0:
        text, tone = "Nothing is owed any more.", "success"
    elif asked is not None:
        text = f"{asked.requested_by} asked: {asked.title}. A second person has to agree."
        tone = "warning"
    else:
        text, tone = f"{_choice(account)} Nothing can be withdrawn while it is owed.", "warning"
    page = "" if asked is None else reverse("admin:staff_approval_change", args=[asked.pk])
    return Panel(
        title="What to do next", empty_text=text, tone=tone, link=page, link_text="The request"
    )


def _choice(account: Any) -> str:
    cash = balances(player_by_ref(account.player_ref).id).get(Pot.CASH, 0)
    if cash == 0:
        return "The player has no cash to settle it with: write it off, or wait for a deposit."
    paid = display_money(min(cash, account.open_minor), account.currency)
    return (
        f"The player has {display_money(cash, account.currency)} in cash: settling takes {paid} "
        "of it, writing off leaves it."
    )
