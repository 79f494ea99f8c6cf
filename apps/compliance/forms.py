"""What people type in about a renewal."""

from typing import Any, cast, override

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from apps.compliance.enums import RENEWAL_STEPS, RenewalState
from apps.compliance.models import Renewal
from apps.core.admin import ReasonForm
from apps.providers.selectors.lapses import certificate_choices
from apps.staff.selectors import people_with

_STEPS = (RenewalState.OPEN, RenewalState.REQUESTED, RenewalState.IN_TEST, RenewalState.RECEIVED)


def _workers() -> list[tuple[str, str]]:
    people = people_with("work_renewal")
    return [("", "Nobody"), *((str(person.pk), str(person)) for person in people)]


class OpenRenewalForm(forms.Form):
    """Opens the renewal of one certificate by hand."""

    certificate = forms.ChoiceField(choices=certificate_choices, widget=UnfoldAdminSelectWidget)
    reason = forms.CharField(
        min_length=5,
        max_length=1000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Why now, in words an auditor can follow. Kept for ever.",
    )


class ReviewForm(ReasonForm):
    next_on = forms.DateField(
        label="Next review on",
        widget=UnfoldAdminSingleDateWidget(attrs={"type": "date"}),
        help_text="After the day that was due, and ahead.",
    )

    field_order = ["next_on", "reason"]


class PlanForm(ReasonForm):
    due_on = forms.DateField(
        label="New report due",
        widget=UnfoldAdminSingleDateWidget(attrs={"type": "date"}),
        help_text="By when the new report must be in hand. Leave time to register it.",
    )
    lab_contact = forms.CharField(
        label="Lab contact",
        max_length=200,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Who to ask at the lab: name, mail or telephone.",
    )

    field_order = ["due_on", "lab_contact", "reason"]

    @override
    def fit(self, obj: Renewal) -> None:
        """Begin with the plan so far: what is left out would be taken away."""
        self.initial = {"due_on": obj.due_on, "lab_contact": obj.lab_contact}


class HandsForm(ReasonForm):
    """Says who has the renewal."""

    owner = forms.ChoiceField(choices=_workers, required=False, widget=UnfoldAdminSelectWidget)
    deputy = forms.ChoiceField(
        choices=_workers,
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="Is told when the owner does not acknowledge a reminder.",
    )

    field_order = ["owner", "deputy", "reason"]

    @override
    def fit(self, obj: Renewal) -> None:
        """Begin with who has it: what is left out would be taken away."""
        self.initial = {"owner": obj.owner_id, "deputy": obj.deputy_id}

    def clean_owner(self) -> int | None:
        return _person(self.cleaned_data["owner"])

    def clean_deputy(self) -> int | None:
        return _person(self.cleaned_data["deputy"])


def _person(value: str) -> int | None:
    return int(value) if value else None


class MoveForm(ReasonForm):
    state = forms.ChoiceField(
        label="It is now",
        choices=[(state.value, state.label) for state in _STEPS],
        widget=UnfoldAdminSelectWidget,
    )

    field_order = ["state", "reason"]

    @override
    def fit(self, obj: Renewal) -> None:
        """Offer the steps from where it is, the next one chosen; the service refuses the rest."""
        steps = [step for step in RENEWAL_STEPS[obj.state] if step in _STEPS]
        if steps:
            choices = [(step.value, step.label) for step in steps]
            field = cast("forms.ChoiceField", self.fields["state"])
            field.choices, field.initial = choices, steps[0].value


class SuccessorForm(ReasonForm):
    successor = forms.ChoiceField(
        label="Certificate that takes its place",
        choices=certificate_choices,
        widget=UnfoldAdminSelectWidget,
        help_text="Register it first, under Certificates. It must name at least one same game.",
    )

    field_order = ["successor", "reason"]

    def clean_successor(self) -> int:
        try:
            return int(self.cleaned_data["successor"])
        except ValueError:
            raise ValidationError("Choose a certificate.") from None


class AcknowledgeForm(ReasonForm):
    """Asks for nothing that must be said."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = False


class NoteForm(ReasonForm):
    reason = forms.CharField(
        label="Note",
        min_length=2,
        max_length=10_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        help_text="Kept for ever, with your name.",
    )
