"""Wallet models: what each costs in latency, open money and differences, measured, not praised."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Final, override
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget

from apps.core.admin import (
    FormPage,
    PageAdmin,
    Panel,
    ReasonForm,
    RefusalShownIn,
    at_cell,
    badge,
    display_at,
    link_cell,
    money_cell,
)
from apps.gateway.selectors import OpenMoney, what_is_open
from apps.gateway.services.wallet_model import request_wallet_model
from apps.providers.enums import WalletModel
from apps.reports.models import WalletModelComparison
from apps.reports.wallet_models import PlayedProvider, played_providers, sums_by_currency

_MAY_ASK: Final = "wallet.request_play_model"
_MEANINGS: Final = {
    WalletModel.HOLD: "Stakes come from the player's own pots and are held until the round closes. "
    "Nothing needs an audit: no second balance exists.",
    WalletModel.SUB_WALLET: "The player fills a pot of ours for the provider; stakes are taken at "
    "once. Swept and audited every night.",
    WalletModel.TRANSFER: "The money lies in the provider's own wallet and our pot mirrors it. "
    "Each transfer is on its way until the provider says what became of it.",
}
_HELD_IN: Final = {
    "held": "Held stakes",
    "pending": "Pending wins",
    "sub": "Sub-wallets",
    "transferred": "At the provider",
    "in_transit": "On its way",
}


class WalletModelForm(ReasonForm):
    wallet_model = forms.ChoiceField(
        choices=WalletModel.choices, widget=UnfoldAdminSelectWidget, label="Play with"
    )
    field_order = ("wallet_model", "reason")
    concerned_fields: ClassVar = {"model": "wallet_model"}


@admin.register(WalletModelComparison)
class WalletModelComparisonAdmin(PageAdmin[WalletModelComparison]):
    @override
    def get_urls(self) -> list[URLPattern]:
        change = self.admin_site.admin_view(self.change_model_view)
        name = "reports_walletmodelcomparison_ask"
        return [path("<slug:code>/ask/", change, name=name), *super().get_urls()]

    @override
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = played_providers(timezone.now())
        context = {
            **self.admin_site.each_context(request),
            "title": "Wallet models",
            "opts": self.opts,
            "panels": [
                _models_panel(found),
                _providers_panel(found, may_ask=request.user.has_perm(_MAY_ASK)),
                _money_panel(found),
            ],
        }
        return TemplateResponse(request, "admin/panels_page.html", context)

    def change_model_view(self, request: HttpRequest, code: str) -> HttpResponse:
        """Ask a second person for another model of one provider."""
        if not self.has_view_permission(request) or not request.user.has_perm(_MAY_ASK):
            raise PermissionDenied
        provider = next((one for one in played_providers(timezone.now()) if one.code == code), None)
        if provider is None:
            raise Http404
        back = reverse("admin:reports_walletmodelcomparison_changelist")
        form = WalletModelForm(request.POST or None)
        if request.method == "POST" and form.is_valid() and _is_asked(request, code, form):
            return HttpResponseRedirect(back)
        page = FormPage(
            title=f"{code}: another wallet model",
            question=_question(provider, back),
            label="Ask a second person",
            back_url=back,
        )
        return page.show(request, self, form)


def _question(one: PlayedProvider, page: str) -> str:
    text = (
        f"Now: {one.wallet_model.label}. The change happens when a second person agrees, and only "
        "while no round and no money of players is open at this provider."
    )
    found = what_is_open(one.provider_id, one.code)
    if not found:
        return text
    return format_html('{} <a href="{}#money">Open now: {}</a>', text, page, ", ".join(found))


def _is_asked(request: HttpRequest, code: str, form: WalletModelForm) -> bool:
    fields = form.cleaned_data
    with RefusalShownIn(form):
        approval_id = request_wallet_model(
            provider_code=code,
            model=WalletModel(fields["wallet_model"]),
            acting_user=request.user,
            reason=fields["reason"],
            now=timezone.now(),
        )
        messages.success(request, f"Approval {approval_id} awaits a second person.")
        return True
    return False


def _models_panel(found: Sequence[PlayedProvider]) -> Panel:
    return Panel(
        title="The three models",
        note="Latency is the slowest provider's, received to judged, over 24 hours.",
        columns=["Model", "Providers", "p99", "Open money", "Open findings", "Undecided", "How"],
        rows=[_model_row(model, found) for model in WalletModel],
    )


def _model_row(model: WalletModel, found: Sequence[PlayedProvider]) -> list[Any]:
    using = [one for one in found if one.wallet_model == model]
    slowest = max(
        (one.traffic.p99_ms for one in using if one.traffic and one.traffic.p99_ms is not None),
        default=None,
    )
    return [
        model.label,
        link_cell("#providers", f"{len(using):,}"),
        _latency(slowest),
        _linked_sums([money for one in using for money in one.open_money]),
        _linked(sum(one.open_findings for one in using), "#providers", "danger"),
        _linked(sum(one.undecided for one in using), "#providers", "warning"),
        _MEANINGS[model],
    ]


def _providers_panel(found: Sequence[PlayedProvider], *, may_ask: bool) -> Panel:
    return Panel(
        title="Per provider, the last 24 hours",
        note="Of many deliveries the newest 10,000 are counted.",
        columns=[
            "Provider",
            "Model",
            "Deliveries",
            "p50",
            "p95",
            "p99",
            "Open money",
            "Open findings",
            "Undecided transfers",
            "Last audit",
            "",
        ],
        rows=[_provider_row(one, may_ask=may_ask) for one in found],
        empty_text="No provider is active. Load one with manage.py load_provider.",
        anchor="providers",
    )


def _provider_row(one: PlayedProvider, *, may_ask: bool) -> list[Any]:
    traffic = one.traffic
    where = urlencode({"provider_code": one.code})
    findings = f"{reverse('admin:wallet_auditfinding_changelist')}?state=open&{where}"
    transfers = f"{reverse('admin:wallet_gametransfer_changelist')}?has_decided_at=no&{where}"
    log = urlencode({"provider_id": one.provider_id, "window": "24h", "who": "all"})
    deliveries = f"{reverse('admin:rounds_delivery_changelist')}?{log}"
    since = f" since {display_at(one.undecided_since)}" if one.undecided_since else ""
    ask = reverse("admin:reports_walletmodelcomparison_ask", args=[one.code])
    return [
        link_cell(reverse("admin:providers_provider_change", args=[one.provider_id]), one.code),
        one.wallet_model.label,
        link_cell(deliveries, f"{traffic.deliveries:,}{'+' if traffic.is_cut else ''}")
        if traffic
        else badge("silent", "neutral"),
        *(
            _latency(value)
            for value in (
                (traffic.p50_ms, traffic.p95_ms, traffic.p99_ms) if traffic else (None, None, None)
            )
        ),
        _linked_sums(one.open_money),
        _linked(one.open_findings, findings, "danger"),
        format_html("{}{}", _linked(one.undecided, transfers, "warning"), since),
        _audit(one),
        link_cell(ask, "Change model") if may_ask else "",
    ]


def _audit(one: PlayedProvider) -> SafeString | str:
    if one.audit is None:
        return "none yet" if one.wallet_model != WalletModel.HOLD else "not needed"
    return format_html(
        "{} · {} compared, {} unheard",
        at_cell(one.audit.audited_at),
        one.audit.compared,
        one.audit.unheard,
    )


def _money_panel(found: Sequence[PlayedProvider]) -> Panel:
    return Panel(
        title="Open rounds and money, by what holds it",
        note="A provider's model can change only while it has none of this.",
        columns=["Provider", "Held in", "Amount", "Rounds, pots, events or transfers"],
        rows=[
            [one.code, f"Rounds, {state}", "-", link_cell(_rounds_link(one, state), f"{count:,}")]
            for one in found
            for state, count in one.open_rounds.items()
        ]
        + [
            [
                one.code,
                _HELD_IN[money.held_in],
                money_cell(money.amount_minor, money.currency),
                link_cell(_money_link(one, money), f"{money.count:,}"),
            ]
            for one in found
            for money in one.open_money
        ],
        empty_text="No round and no money of players is open at any provider.",
        anchor="money",
    )


def _rounds_link(one: PlayedProvider, state: str) -> str:
    where = urlencode({"provider_id": one.provider_id, "state": state, "who": "all"})
    return f"{reverse('admin:rounds_round_changelist')}?{where}"


def _money_link(one: PlayedProvider, money: OpenMoney) -> str:
    """Return where the events, transfers or pots that hold the money are listed."""
    match money.held_in:
        case "held" | "pending":
            page = reverse("admin:rounds_roundevent_changelist")
            where = {"provider_id": one.provider_id, "money_state": "held", "who": "all"}
            more = {"win_minor__gt": 0} if money.held_in == "pending" else {}
        case "in_transit":
            page = reverse("admin:wallet_gametransfer_changelist")
            where = {"provider_code": one.code, "has_decided_at": "no"}
            more = {}
        case _:
            page = reverse("admin:wallet_account_changelist")
            where = {"pot": f"{money.held_in}:{one.code}"}
            more = {"balance_minor__gt": 0}
    return f"{page}?{urlencode({**where, 'currency': money.currency, **more})}"


def _linked_sums(money: Iterable[OpenMoney]) -> SafeString | str:
    sums = sums_by_currency(money)
    if not sums:
        return "none"
    cells = ((link_cell("#money", money_cell(amount, currency)),) for currency, amount in sums)
    return format_html_join("", "{} ", cells)


def _latency(milliseconds: Any) -> SafeString | str:
    if milliseconds is None:
        return "-"
    return format_html('<span class="pb-at">{} ms</span>', f"{milliseconds:,.1f}")


def _linked(count: int, url: str, tone: str) -> SafeString | str:
    return format_html('<a href="{}">{}</a>', url, badge(f"{count:,}", tone)) if count else "0"
