"""The catalogue of rules: what each says, where it comes from, and who looked last."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date
from typing import Any, override

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from apps.core.admin import (
    FormPage,
    Panel,
    ReadOnlyAdmin,
    ReasonForm,
    RefusalShownIn,
    badge,
    link_cell,
    signed_in,
)
from apps.core.money import display_money
from apps.players import rules, services
from apps.players.contracts import Rule, SupportLink
from apps.players.enums import Evidence, RuleKind
from apps.players.models import RuleCheck
from apps.players.selectors.protection import last_rule_checks

_EVIDENCE_TONES = {"read": "success", "house": "info"}


def _choices() -> list[tuple[str, str]]:
    known: list[Rule | SupportLink] = [*rules.all_rules(), *rules.all_support_links()]
    return [(one.id, one.id) for one in known]


class RuleCheckForm(ReasonForm):
    rule_id = forms.ChoiceField(label="Rule", choices=_choices, widget=UnfoldAdminSelectWidget)
    checked_on = forms.DateField(
        label="Checked on", widget=UnfoldAdminTextInputWidget(attrs={"type": "date"})
    )
    field_order = ["rule_id", "checked_on", "reason"]


@admin.register(RuleCheck)
class RuleCheckAdmin(ReadOnlyAdmin[RuleCheck]):
    """The list is the catalogue; adding notes that a rule was compared with its source."""

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("players.add_rulecheck")

    @override
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        today = timezone.now().astimezone(UTC).date()
        checked = {one: check.checked_on for one, check in last_rule_checks().items()}
        may_add = self.has_add_permission(request)
        context = {
            **self.admin_site.each_context(request),
            "title": "Rules",
            "opts": self.opts,
            "panels": _panels(
                checked, today, may_add=may_add, only_due=request.GET.get("due") == "yes"
            ),
        }
        return TemplateResponse(request, "players/rules.html", context)

    @override
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = RuleCheckForm(request.POST or None, initial=request.GET.dict())
        back = reverse("admin:players_rulecheck_changelist")
        if request.method == "POST" and form.is_valid():
            with RefusalShownIn(form):
                services.record_rule_check(
                    form.cleaned_data["rule_id"],
                    checked_on=form.cleaned_data["checked_on"],
                    actor=signed_in(request),
                    note=form.cleaned_data["reason"],
                    now=timezone.now(),
                )
                messages.success(request, f"{form.cleaned_data['rule_id']}: noted as checked.")
                return HttpResponseRedirect(back)
        page = FormPage(
            title="Note that a rule was checked",
            question="Compare the rule with its source first. A rule that changed is "
            "changed in the catalogue, with the date from which it holds.",
            label="Note the check",
            back_url=back,
        )
        return page.show(request, self, form)


def _panels(checked: dict[str, date], today: date, *, may_add: bool, only_due: bool) -> list[Panel]:
    found = sorted(rules.all_rules(), key=lambda rule: (rule.jurisdiction, rule.kind, rule.id))
    due = [rule for rule in found if rules.is_check_due(_last(rule, checked), today)]
    title = f"Rules: {len(due)} of {len(found)} to be checked"
    panel = _rules_panel(due if only_due else found, checked, today)
    panel = replace(
        panel,
        title=title,
        tone="warning" if due else "success",
        link=reverse("admin:players_rulecheck_add") if may_add else "",
        link_text="Note a check",
    )
    if not only_due:
        return [panel, _support_panel(checked, today)]
    every = ("Every rule", reverse("admin:players_rulecheck_changelist"))
    return [replace(panel, links=[("To be checked", ""), every])]


def _rules_panel(found: Sequence[Rule], checked: dict[str, date], today: date) -> Panel:
    return Panel(
        title="Rules",
        note=f"A rule is compared with its source every {rules.CHECK_EVERY.days} days. The nearest "
        "one counts: region, country, then * for everywhere.",
        columns=["Rule", "Where", "What", "Value", "Holds from", "Known", "Last checked", "Source"],
        rows=[
            [
                rule.id,
                rule.jurisdiction,
                RuleKind(rule.kind).label,
                _value(rule),
                _in_force(rule, today),
                _evidence(rule),
                _checked(_last(rule, checked), today),
                _source(rule),
            ]
            for rule in found
        ],
        empty_text="Every rule was compared with its source in time.",
    )


def _support_panel(checked: dict[str, date], today: date) -> Panel:
    return Panel(
        title="Support services",
        note="Shown to players with every refused launch.",
        columns=["Id", "Where", "Service", "Phone", "Address", "Known", "Last checked"],
        rows=[
            [
                link.id,
                link.jurisdiction,
                link.name,
                link.phone or "-",
                link_cell(link.url, link.url),
                _evidence(link),
                _checked(_last(link, checked), today),
            ]
            for link in rules.all_support_links()
        ],
    )


def _evidence(one: Rule | SupportLink) -> SafeString:
    return badge(Evidence(one.evidence).label, _EVIDENCE_TONES.get(one.evidence, "warning"))


def _last(one: Rule | SupportLink, checked: dict[str, date]) -> date | None:
    days = [day for day in (one.checked_on, checked.get(one.id)) if day is not None]
    return max(days, default=None)


def _checked(day: date | None, today: date) -> SafeString:
    text = day.isoformat() if day else "never"
    return badge(text, "warning" if rules.is_check_due(day, today) else "success")


def _in_force(rule: Rule, today: date) -> SafeString:
    until = f" to {rule.effective_to}" if rule.effective_to else ""
    coming = " (to come)" if rule.effective_from > today else ""
    return format_html('<span class="pb-at">{}{}{}</span>', rule.effective_from, until, coming)


_UNITS = {
    RuleKind.LIMIT_INCREASE_DELAY: "h",
    RuleKind.REMOVAL_DELAY: "h",
    RuleKind.REMOVAL_DELAY_INDEFINITE: "h",
    RuleKind.REALITY_CHECK: "min",
    RuleKind.REALITY_CHECK_GRACE: "min",
    RuleKind.SELF_EXCLUSION_MINIMUM: "days",
    RuleKind.LIMIT_REVIEW: "days",
    RuleKind.MINIMUM_AGE: "years",
}
_YES_OR_NO = {
    RuleKind.NEVER_REOPENED,
    RuleKind.AGE_PROOF,
    RuleKind.IDENTITY_BEFORE_LAUNCH,
    RuleKind.IDENTITY_BEFORE_DEPOSIT,
}


def _source(rule: Rule) -> SafeString | str:
    text = f"{rule.citation} \u201c{rule.quote}\u201d" if rule.quote else rule.citation
    return link_cell(rule.url, text) if rule.url else text


def _value(rule: Rule) -> str:
    kind = RuleKind(rule.kind)
    if kind in _PRODUCT_KINDS:
        return _product_value(kind, rule)
    if kind == RuleKind.STAKE_CAP:
        who = f", under {rule.below_age}" if rule.below_age else ""
        return f"{display_money(rule.value, rule.currency)}, {rule.category}{who}"
    if kind in _YES_OR_NO:
        return "yes" if rule.value else "no"
    return f"{rule.value} {_UNITS[kind]}"


_PRODUCT_KINDS = {RuleKind.PRODUCT_PROHIBITED, RuleKind.RTP_FLOOR}


def _product_value(kind: RuleKind, rule: Rule) -> str:
    products = rule.category or "every product"
    if kind == RuleKind.PRODUCT_PROHIBITED:
        return f"{products}: {'prohibited' if rule.value else 'allowed'}"
    return f"{rule.value / 100:.2f} %, {products}"
