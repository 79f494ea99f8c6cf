"""Forms in main units and percentages; the tables hold minor units and basis points."""

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, override

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from apps.bonuses.contracts import FULL_WEIGHT_BP, RuleTerms
from apps.bonuses.models import BonusRule, GameWeight, Grant
from apps.bonuses.selectors import active_rules
from apps.bonuses.services.rules import check_terms
from apps.core.admin import RefusalShownIn, place_refusal
from apps.core.errors import DomainError, InvalidAmountError
from apps.core.money import format_minor, to_minor
from apps.players.contracts import PlayerRef
from apps.players.selectors import player_by_ref

if TYPE_CHECKING:
    _RuleForm = forms.ModelForm[BonusRule]
    _WeightForm = forms.ModelForm[GameWeight]
    _GrantForm = forms.ModelForm[Grant]
else:
    _RuleForm = _WeightForm = _GrantForm = forms.ModelForm

AMOUNTS = {
    "max_bonus": "max_bonus_minor",
    "max_bet": "max_bet_minor",
    "contribution_cap": "contribution_cap_minor",
}


def _amount_field(label: str, help_text: str, *, required: bool = False) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        max_length=20,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text=help_text,
    )


def _percent_field(label: str, help_text: str, maximum: int) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        min_value=Decimal(0),
        max_value=Decimal(maximum),
        decimal_places=2,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
        help_text=help_text,
    )


class RuleForm(_RuleForm):
    """A draft's terms; ``cleaned_terms`` is what the service takes."""

    match_percent = _percent_field("Deposit match (%)", "200 gives 200.00 for 100.00.", 10_000)
    max_bonus = _amount_field("Maximum bonus", "In the rule's currency, such as 500.00.")
    max_bet = _amount_field("Maximum bet", "New stakes above it are refused while playing.")
    contribution_cap = _amount_field(
        "Contribution cap per bet", "At most this much of a stake counts, before the weight."
    )
    concerned_fields: ClassVar = {
        "percent_bp": "match_percent",
        **{column: field for field, column in AMOUNTS.items()},
    }
    cleaned_terms: RuleTerms

    class Meta:
        model = BonusRule
        fields = [
            "code",
            "name",
            "currency",
            "jurisdiction",
            "basis",
            "requirement_multiple",
            "expires_after_days",
            "requires_verified_kyc",
        ]
        help_texts: ClassVar = {
            "code": "Letters, digits, hyphens and underscores, such as welcome-200.",
            "currency": "Its code, such as EUR; players in another are not granted it.",
            "requirement_multiple": "How often the amount it is on has to be staked, such as 40.",
        }
        error_messages: ClassVar = {
            "code": {"invalid": "Only letters, digits, hyphens and underscores."},
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rule = self.instance
        if not rule.pk:
            return
        self.initial["match_percent"] = Decimal(rule.percent_bp) / 100
        for field, column in AMOUNTS.items():
            minor = getattr(rule, column)
            self.initial[field] = "" if minor is None else format_minor(minor, rule.currency)

    @override
    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if self.errors:
            return data
        amounts = self._amounts(data)
        if self.errors:
            return data
        self.cleaned_terms = self._terms(data, amounts)
        with RefusalShownIn(self):
            check_terms(self.cleaned_terms)
        return data

    def _amounts(self, data: dict[str, Any]) -> dict[str, int | None]:
        amounts: dict[str, int | None] = {}
        for field, column in AMOUNTS.items():
            try:
                typed, currency = data[field], data["currency"]
                amounts[column] = to_minor(typed, currency) if typed else None
            except InvalidAmountError as refusal:
                self.add_error(field, forms.ValidationError(str(refusal), code=refusal.code))
            except DomainError as refusal:
                place_refusal(self, refusal)
                return amounts
        return amounts

    def _terms(self, data: dict[str, Any], amounts: dict[str, Any]) -> RuleTerms:
        # The code can't change after the first save, so the form may not hold it.
        return RuleTerms(
            code=data.get("code") or self.instance.code,
            name=data["name"],
            currency=data["currency"],
            percent_bp=int(data["match_percent"] * 100),
            basis=data["basis"],
            requirement_multiple=data["requirement_multiple"],
            expires_after_days=data["expires_after_days"],
            jurisdiction=data["jurisdiction"],
            requires_verified_kyc=data["requires_verified_kyc"],
            **amounts,
        )


class WeightForm(_WeightForm):
    """One line of weights, in percent."""

    percent = _percent_field("Counts (%)", "", 100)

    class Meta:
        model = GameWeight
        fields = ["category", "game_code"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["percent"] = Decimal(self.instance.weight_bp) / 100

    @override
    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if bool(data.get("category")) == bool(data.get("game_code")):
            raise forms.ValidationError("Name a category or a game, one of the two.")
        percent = data.get("percent")
        if percent is not None:
            self.instance.weight_bp = int(percent * FULL_WEIGHT_BP / 100)
        return data


class GrantForm(_GrantForm):
    """What somebody needs to give a bonus by hand."""

    player_ref = forms.CharField(
        label="Player",
        max_length=128,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="The player's reference, such as p-70000.",
    )
    rule_code = forms.ChoiceField(label="Bonus rule", widget=UnfoldAdminSelectWidget)
    deposit = _amount_field("Deposit", "In the player's currency, such as 100.00.", required=True)
    grant_key = forms.CharField(max_length=64, widget=forms.HiddenInput)
    cleaned_player: PlayerRef
    cleaned_deposit_minor: int

    class Meta:
        model = Grant
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rules = [(rule.code, f"{rule.name} ({rule})") for rule in active_rules()]
        rule_field = self.fields["rule_code"]
        if isinstance(rule_field, forms.ChoiceField):
            rule_field.choices = rules
        # A form sent twice carries one key, so it gives one bonus.
        self.initial.setdefault("grant_key", f"admin-{uuid.uuid4()}")

    def clean_player_ref(self) -> str:
        ref: str = self.cleaned_data["player_ref"]
        try:
            self.cleaned_player = player_by_ref(ref)
        except DomainError as refusal:
            raise forms.ValidationError(str(refusal), code=refusal.code) from refusal
        return ref

    @override
    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors:
            currency = self.cleaned_player.currency
            try:
                self.cleaned_deposit_minor = to_minor(data["deposit"], currency)
            except DomainError as refusal:
                self.add_error("deposit", forms.ValidationError(str(refusal), code=refusal.code))
        return data
