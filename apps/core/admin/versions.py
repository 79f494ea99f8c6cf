"""What changed from one version to the next, in the words of the pages."""

from datetime import datetime
from typing import Any

from simple_history.models import DeletedObject
from simple_history.template_utils import HistoricalRecordContextHelper

from apps.core.admin.columns import EMPTY, display_at
from apps.core.money import display_money


class ChangeTexts(HistoricalRecordContextHelper):  # type: ignore[misc] # has no types
    """Writes values as the pages do; the library would call what was empty deleted."""

    def prepare_delta_change_value(self, change: Any, value: Any) -> Any:
        prepared = super().prepare_delta_change_value(change, value)
        field = self.model._meta.get_field(change.field)
        match prepared:
            case None | "" | [] | DeletedObject(pk=None):
                prepared = EMPTY
            case bool():
                prepared = "Yes" if prepared else "No"
            case datetime():
                prepared = display_at(prepared)
            case int() if change.field.endswith("_minor"):
                prepared = display_money(prepared, self.record.currency)
            case str():
                prepared = dict(field.flatchoices).get(prepared, prepared)
            case _:
                pass  # A number, or another row, says itself.
        return prepared
