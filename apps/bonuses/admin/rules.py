from typing import TYPE_CHECKING, Any, override

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminSelectWidget

from apps.bonuses.admin.forms import AMOUNTS, RuleForm, WeightForm
from apps.bonuses.contracts import WeightTable
from apps.bonuses.enums import RuleState
from apps.bonuses.models import BonusRule, GameWeight
from apps.bonuses.services import rules
from apps.bonuses.wording import percent, plain_number
from apps.core.admin import (
    ActionCall,
    HistoryAdmin,
    ReasonedAction,
    badge_column,
    choice_filter,
    datetime_column,
    money_column,
)
from apps.core.admin.history import REASON_FIELD
from apps.core.counting import counted
from apps.providers.enums import GameCategory

if TYPE_CHECKING:
    _TabularInline = admin.TabularInline[GameWeight, BonusRule]
else:
    _TabularInline = TabularInline

_TONES = {"draft": "neutral", "active": "success", "retired": "info"}


def _request_activation(call: ActionCall) -> str:
    approval_id = rules.request_activation(
        rule_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    return f"A second person can now approve it (approval {approval_id})."


def _new_version(call: ActionCall) -> str:
    rule = rules.new_version(
        rule_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    return f"{rule} is a draft now. The active version goes on until it is approved."


def _retire(call: ActionCall) -> str:
    rule = rules.retire_rule(
        rule_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    return f"{rule} is retired. Bonuses already granted go on under its terms."


def _is_draft(rule: Any, _user: Any) -> bool:
    return bool(rule.state == RuleState.DRAFT)


def _is_not_draft(rule: Any, _user: Any) -> bool:
    return not _is_draft(rule, _user)


def _is_not_retired(rule: Any, _user: Any) -> bool:
    return bool(rule.state != RuleState.RETIRED)


class GameWeightInline(_TabularInline):
    """The weights of one version; a game's own line beats its category's."""

    model = GameWeight
    form = WeightForm
    extra = 0
    fields = ["category", "game_code", "percent"]
    verbose_name_plural = "Game weights: what has no line counts nothing"

    @override
    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        is_editable = self.has_change_permission(request, obj)
        return ["category", "game_code", "percent" if is_editable else "shown_percent"]

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [] if self.has_change_permission(request, obj) else ["shown_percent"]

    @override
    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "category":
            choices = [("", "-"), *GameCategory.choices]
            return forms.ChoiceField(
                choices=choices, required=False, widget=UnfoldAdminSelectWidget
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @admin.display(description="counts")
    def shown_percent(self, weight: GameWeight) -> str:
        return percent(weight.weight_bp)

    @override
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_open(request, obj) and super().has_add_permission(request, obj)

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_open(request, obj) and super().has_change_permission(request, obj)

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_open(request, obj) and super().has_delete_permission(request, obj)


def _is_open(request: HttpRequest, rule: BonusRule | None) -> bool:
    # A form that was open while the rule left the draft is for the service to refuse.
    return request.method == "POST" or rule is None or rule.state == RuleState.DRAFT


@admin.register(BonusRule)
class BonusRuleAdmin(HistoryAdmin[BonusRule]):
    """A draft is edited in main units and percent; any other version is read."""

    list_empty_text = "No bonus rule is written."
    form = RuleForm
    inlines = [GameWeightInline]
    list_display = [
        "__str__",
        "name",
        badge_column("state", _TONES),
        "match",
        "requirement",
        "currency",
        "shown_jurisdiction",
        money_column("max_bet_minor", title="maximum bet"),
        "validity",
        datetime_column("activated_at", title="active since"),
    ]
    list_filter = [
        choice_filter("state", "state", RuleState.choices),
    ]
    search_fields = ["code__exact"]
    search_help_text = "Code, exactly"
    ordering = ["code", "-version"]
    reasoned_actions = [
        ReasonedAction(
            name="submit",
            label="Ask for approval",
            permission="bonuses.change_bonusrule",
            perform=_request_activation,
            question="A second person approves exactly these terms and weights.",
            tone="primary",
            is_offered=_is_draft,
        ),
        ReasonedAction(
            name="new-version",
            label="Start a new version",
            permission="bonuses.add_bonusrule",
            perform=_new_version,
            question="Copies terms and weights into a draft. Grants stay on their version.",
            is_offered=_is_not_draft,
        ),
        ReasonedAction(
            name="retire",
            label="Retire",
            permission="bonuses.change_bonusrule",
            perform=_retire,
            question="No new bonus is granted under it. Grants already made go on.",
            tone="danger",
            is_offered=_is_not_retired,
        ),
    ]
    _form_fields = [
        ("Offer", ["code", "name", "currency", "jurisdiction", "match_percent", "max_bonus"]),
        ("Wagering requirement", ["basis", "requirement_multiple", "expires_after_days"]),
        ("Limits", ["max_bet", "contribution_cap", "requires_verified_kyc"]),
    ]
    _shown_fields = [
        ("Offer", ["code", "version", "name", "state", "currency", "shown_jurisdiction", "match"]),
        ("Wagering requirement", ["requirement", "validity"]),
        ("Limits", [f"shown_{name}" for name in AMOUNTS] + ["requires_verified_kyc"]),
        ("Approval", ["created_by", "created_at", "approval", "activated_at"]),
    ]

    shown_max_bonus = staticmethod(money_column("max_bonus_minor", title="maximum bonus"))
    shown_max_bet = staticmethod(money_column("max_bet_minor", title="maximum bet"))
    shown_contribution_cap = staticmethod(
        money_column("contribution_cap_minor", title="contribution cap per bet")
    )

    @override
    def has_change_permission(self, request: HttpRequest, obj: BonusRule | None = None) -> bool:
        return _is_open(request, obj) and super().has_change_permission(request, obj)

    @override
    def get_fieldsets(self, request: HttpRequest, obj: BonusRule | None = None) -> Any:
        is_editable = self._may_save(request, obj)
        groups = self._form_fields if is_editable else self._shown_fields
        why = [("Why", [REASON_FIELD])] if is_editable else []
        return [(title, {"fields": list(names)}) for title, names in [*groups, *why]]

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: BonusRule | None = None) -> Any:
        if self._may_save(request, obj):
            # The code names all versions together; it is chosen once.
            return [] if obj is None else ["code"]
        return [name for _, names in self._shown_fields for name in names]

    @override
    def save_model(self, request: HttpRequest, obj: BonusRule, form: Any, change: bool) -> None:
        reason = form.cleaned_data["change_reason"]
        now = timezone.now()
        if change:
            rules.edit_rule(
                rule_id=obj.pk,
                terms=form.cleaned_terms,
                acting_user=request.user,
                reason=reason,
                now=now,
            )
        else:
            created = rules.create_rule(
                form.cleaned_terms, WeightTable(), acting_user=request.user, now=now
            )
            obj.pk = created.pk
        obj.refresh_from_db()

    @admin.display(description="deposit match", ordering="percent_bp")
    def match(self, rule: BonusRule) -> str:
        return percent(rule.percent_bp)

    @admin.display(description="requirement", ordering="requirement_multiple")
    def requirement(self, rule: BonusRule) -> str:
        basis = "B" if rule.basis == "bonus" else "(D+B)"
        return f"{plain_number(rule.requirement_multiple)} \N{MULTIPLICATION SIGN} {basis}"

    @admin.display(description="jurisdiction", ordering="jurisdiction")
    def shown_jurisdiction(self, rule: BonusRule) -> str:
        return rule.jurisdiction or "any"

    @admin.display(description="valid for", ordering="expires_after_days")
    def validity(self, rule: BonusRule) -> str:
        return counted(rule.expires_after_days, "day")
