"""What changed from one version to the next, in the words of the pages."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from simple_history.models import DeletedObject
from simple_history.template_utils import HistoricalRecordContextHelper

from apps.core.admin.columns import EMPTY, display_at
from apps.core.money import display_money


class ChangeTexts(HistoricalRecordContextHelper):  # type: ignore[misc] # has no types
    """Writes values as the pages do; the library would call what was empty deleted."""

    def context_for_delta_changes(self, delta: Any) -> list[dict[str, Any]]:
        changes = [
            replace(
                change,
                old=_in_main_units(change, change.old, delta.old_record),
                new=_in_main_units(change, change.new, delta.new_record),
            )
            for change in delta.changes
        ]
        shown: list[dict[str, Any]] = super().context_for_delta_changes(
            replace(delta, changes=changes)
        )
        return shown

    def format_delta_change(self, change: Any) -> Any:
        formatted = super().format_delta_change(change)
        return replace(formatted, field=formatted.field.removesuffix(" (minor units)"))

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
            case str():
                prepared = dict(field.flatchoices).get(prepared, prepared)
            case _:
                pass  # A number, or another row, says itself.
        return prepared


def _in_main_units(change: Any, value: Any, version: Any) -> Any:
    """Write an amount with the currency of its own version, which another may have changed."""
    is_amount = isinstance(value, int) and change.field.endswith("_minor")
    return display_money(value, version.currency) if is_amount else value
