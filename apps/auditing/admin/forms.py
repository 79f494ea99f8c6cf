"""Which rows: the fields that samples and exports ask alike."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from apps.auditing.selectors import populations_of
from apps.core.admin import ReasonForm
from apps.core.jurisdictions import all_jurisdictions
from apps.core.populations import Narrowing
from apps.providers.selectors import provider_codes
from apps.staff.selectors import Person

_PERIOD: Final = timedelta(days=30)


def _providers() -> list[tuple[str, str]]:
    return [("", "Any provider"), *provider_codes()]


def _jurisdictions() -> list[tuple[str, str]]:
    known = all_jurisdictions().values()
    return [("", "Any jurisdiction"), *((one.code, f"{one.code} {one.name}") for one in known)]


def _day(label: str) -> forms.DateField:
    return forms.DateField(label=label, widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}))


class RowsForm(ReasonForm):
    """A population, a period and filters, by a person who sees only some populations."""

    population = forms.ChoiceField(widget=UnfoldAdminSelectWidget)
    since = _day("From (UTC)")
    until = _day("To, included")
    provider = forms.ChoiceField(choices=_providers, required=False, widget=UnfoldAdminSelectWidget)
    jurisdiction = forms.ChoiceField(
        choices=_jurisdictions,
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="Of players: where they were registered at this moment.",
    )

    def __init__(self, person: Person, now: datetime, data: Any = None) -> None:
        self._now = now
        today = now.astimezone(UTC).date()
        suggested = {"since": f"{today - _PERIOD}", "until": f"{today}", **self.suggestions()}
        super().__init__(data, initial=suggested)
        choices = [(one.name, one.label) for one in populations_of(person)]
        population: Any = self.fields["population"]
        population.choices = choices

    def suggestions(self) -> dict[str, str]:
        return {}

    def narrowing(self) -> Narrowing:
        """Return the part that was asked for; a day that isn't over ends now."""
        end = _midnight(self.cleaned_data["until"] + timedelta(days=1))
        return Narrowing(
            since=_midnight(self.cleaned_data["since"]),
            until=min(end, self._now),
            as_of=self._now,
            provider_code=self.cleaned_data["provider"],
            jurisdiction=self.cleaned_data["jurisdiction"],
        )

    def clean_until(self) -> date:
        until: date = self.cleaned_data["until"]
        if not 2000 <= until.year <= 2099:
            raise forms.ValidationError("Choose a day of this century.")
        return until


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
