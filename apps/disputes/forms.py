"""What people type in about a dispute."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from apps.core.admin import ReasonForm
from apps.disputes.enums import CaseType
from apps.providers.selectors import provider_codes
from apps.staff.selectors import people_with


def _no_event() -> list[tuple[str, str]]:
    return [("", "No round event"), *provider_codes()]


def _workers() -> list[tuple[str, str]]:
    return [(str(person.pk), str(person)) for person in people_with("work_case")]


class ClaimForm(ReasonForm):
    """Opens a dispute about the event whose page it is on."""

    case_type = forms.ChoiceField(
        label="Type", choices=CaseType.choices, widget=UnfoldAdminSelectWidget
    )
    reason = forms.CharField(
        label="What the player says",
        min_length=5,
        max_length=10_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        help_text="In the player's words. It can't be changed later; add notes for the rest.",
    )


class OpenCaseForm(forms.Form):
    """Opens a dispute about anything."""

    player_ref = forms.CharField(label="Player", max_length=128, widget=UnfoldAdminTextInputWidget)
    case_type = forms.ChoiceField(
        label="Type", choices=CaseType.choices, widget=UnfoldAdminSelectWidget
    )
    provider_code = forms.ChoiceField(
        label="Provider", choices=_no_event, required=False, widget=UnfoldAdminSelectWidget
    )
    event_id = forms.CharField(
        label="Round event",
        max_length=128,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="The event's id, if the complaint is about a round.",
    )
    claim = forms.CharField(
        label="What the player says",
        min_length=5,
        max_length=10_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        help_text="In the player's words. It can't be changed later; add notes for the rest.",
    )


class CreditForm(ReasonForm):
    """Asks for a credit; the amount is in the player's currency, which the case knows."""

    amount = forms.CharField(
        label="Amount in the player's currency",
        max_length=24,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text="Such as 12.50; no separators, no more decimals than the currency has.",
    )

    field_order = ["amount", "reason"]


class AssignForm(ReasonForm):
    """Gives the case to somebody who may work on it."""

    assignee = forms.ChoiceField(
        label="Assign to", choices=_workers, widget=UnfoldAdminSelectWidget
    )

    field_order = ["assignee", "reason"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = False

    def clean_assignee(self) -> int:
        try:
            return int(self.cleaned_data["assignee"])
        except ValueError:
            raise ValidationError("Choose a person.") from None


class NoteForm(ReasonForm):
    reason = forms.CharField(
        label="Note",
        min_length=2,
        max_length=10_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        help_text="Kept for ever, with your name.",
    )
