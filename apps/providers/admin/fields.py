"""Form fields and cells that the pages of the register share."""

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from apps.core.admin import ActionCall, link_cell
from apps.core.jurisdictions import all_jurisdictions
from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.providers.models import GameBuild
from apps.providers.services.builds import Editing

JURISDICTIONS = [(code, f"{code} ({one.name})") for code, one in all_jurisdictions().items()]
_REAL_ONES = [(code, label) for code, label in JURISDICTIONS if code != REHEARSAL_JURISDICTION]


def editing(call: ActionCall) -> Editing:
    return Editing(acting_user=call.user, reason=call.reason, now=call.now)


def text_field(label: str, help_text: str = "", *, required: bool = True) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=required,
        max_length=128,
        widget=UnfoldAdminTextInputWidget,
    )


def choice_field(label: str, choices: Any, help_text: str = "") -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label, choices=choices, help_text=help_text, widget=UnfoldAdminSelectWidget
    )


def percent_field(label: str) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        max_digits=7,
        decimal_places=4,
        min_value=0,
        max_value=100,
        widget=UnfoldAdminDecimalFieldWidget,
    )


def decimal_field(label: str, help_text: str = "") -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        help_text=help_text,
        max_digits=9,
        decimal_places=4,
        required=False,
        widget=UnfoldAdminDecimalFieldWidget,
    )


def whole_field(label: str, *, required: bool = True) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, min_value=1, required=required, widget=UnfoldAdminIntegerFieldWidget
    )


def moment_field(label: str, help_text: str) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label,
        help_text=help_text,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
    )


def day_field(label: str, help_text: str = "") -> forms.DateField:
    return forms.DateField(
        label=label,
        help_text=help_text,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
    )


def yes_field(label: str) -> forms.BooleanField:
    return forms.BooleanField(label=label, required=False, widget=UnfoldBooleanSwitchWidget)


def jurisdiction_field() -> forms.ChoiceField:
    """Ask for one where people live; none is chosen beforehand: the first is nobody's wish."""
    return choice_field("Jurisdiction", [("", "Choose one"), *_REAL_ONES])


def build_link(build: GameBuild) -> SafeString:
    return link_cell(reverse("admin:providers_gamebuild_change", args=[build.pk]), build.version)
