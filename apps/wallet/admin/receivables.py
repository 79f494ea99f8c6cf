"""What players owe us: who, how much, which lines it is made of, and how it ends."""

from collections.abc import Sequence
from typing import Any, override

from django.contrib import admin
from django.db.models import F, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.lookups import GreaterThan, LessThanOrEqual
from django.http import HttpRequest

from apps.core.admin import Panel, PanelsMixin, ReadOnlyAdmin, money_column
from apps.wallet.admin.ledger import account_lines_panel
from apps.wallet.admin_actions import RECEIVABLE_ACTIONS
from apps.wallet.contracts import RECEIVABLE
from apps.wallet.models import ReceivableAccount
from apps.wallet.selectors import receivable_accounts


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
    search_help_text = f"{RECEIVABLE}PLAYER, exactly"
    readonly_fields = ["owed_by", "owed"]
    fields = [("owed_by", "currency", "owed")]
    owed = staticmethod(money_column("open_minor", title="owed"))
    reasoned_actions = RECEIVABLE_ACTIONS

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[ReceivableAccount]:
        return receivable_accounts()

    @override
    def get_ordering(self, request: HttpRequest) -> list[str | Combinable]:
        # Of a figure that the queryset adds up; the attribute may name columns only.
        return ["currency", "-open_minor", "pk"]

    @admin.display(description="player", ordering="house")
    def owed_by(self, account: ReceivableAccount) -> str:
        return account.house.removeprefix(RECEIVABLE)

    @override
    def panels(self, request: HttpRequest, obj: ReceivableAccount) -> Sequence[Panel]:
        return [account_lines_panel(obj.pk, meaning="a minus is owed, a plus ends or returns it")]
