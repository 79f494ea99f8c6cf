"""Form fields and cells that the pages of the register share."""

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from apps.core.admin import ActionCall, link_cell
from apps.core.jurisdictions import all_jurisdictions
from apps.providers.models import GameBuild
from apps.providers.services.builds import Editing

JURISDICTIONS = [(code, f"{code} ({one.name})") for code, one in all_jurisdictions().items()]


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


def moment_field(label: str, help_text: str) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label,
        help_text=help_text,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
    )


def day_field(label: str, help_text: str = "") -> forms.DateField:
    return forms.DateField(label=label, help_text=help_text, widget=UnfoldAdminDateWidget)


def yes_field(label: str) -> forms.BooleanField:
    return forms.BooleanField(label=label, required=False, widget=UnfoldBooleanSwitchWidget)


def jurisdiction_field() -> forms.ChoiceField:
    return choice_field("Jurisdiction", JURISDICTIONS)


def build_link(build: GameBuild) -> SafeString:
    return link_cell(reverse("admin:providers_gamebuild_change", args=[build.pk]), build.version)
