"""Personal data that some people see only after they said why.

A model names its ``personal_fields``. Where the request says so (``personal_data_masked``, set for
auditors), rows are emptied of them before any page sees them: lists, forms, panels. Unmasking one
row is an entry in the audit chain, and holds for a while because that entry is there.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, override

from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.core import services
from apps.core.admin.actions import ActionCall, ReasonedAction, ReasonedActionsMixin
from apps.core.selectors import is_unmasked

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList as _ChangeList
else:
    _ChangeList = object

HIDDEN: Final = "hidden"
UNMASKED_FOR: Final = timedelta(minutes=15)
_ACTION: Final = "core.personal_data.unmasked"
_PERMISSION: Final = "staff.unmask_personal_data"


def personal_fields(model: type[Model]) -> Sequence[str]:
    fields: Sequence[str] = getattr(model, "personal_fields", ())
    return fields


def personal_labels(model: type[Model]) -> list[str]:
    """Return what people call the fields."""
    options = model._meta
    fields = [options.get_field(name) for name in personal_fields(model)]
    return [str(getattr(field, "verbose_name", field.name)) for field in fields]


def subject_of(model: type[Model], pk: Any) -> str:
    """Name a row the same from every page that shows it."""
    concrete: Any = model._meta.concrete_model
    return f"{concrete._meta.label_lower}:{pk}"


def hide_personal(request: HttpRequest, row: Model) -> None:
    """Empty a row that a page of another table shows, unless it was unmasked on a page of its own.

    The row must not be saved afterwards.
    """
    if _is_hidden(request, type(row), row.pk):
        _empty(row)


def _is_hidden(request: HttpRequest, model: type[Model], pk: Any) -> bool:
    if not (getattr(request, "personal_data_masked", False) and personal_fields(model)):
        return False
    since: datetime = timezone.now() - UNMASKED_FOR
    subject = subject_of(model, pk)
    return not is_unmasked(_ACTION, subject, actor_id=request.user.pk or 0, since=since)


class MaskingMixin(ReasonedActionsMixin):
    """Empties rows of personal data where the request says so."""

    def is_masked(self, request: HttpRequest) -> bool:
        return bool(getattr(request, "personal_data_masked", False) and personal_fields(self.model))

    def is_hidden(self, request: HttpRequest, pk: Any) -> bool:
        """Tell whether this row's personal data is to be hidden now."""
        return _is_hidden(request, self.model, pk)

    @override
    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is not None and self.is_hidden(request, found.pk):
            _empty(found)
        return found

    @override
    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        changelist = super().get_changelist(request, **kwargs)
        if not self.is_masked(request):
            return changelist
        # ``sortable_by`` takes the link away; the address would still sort.
        return type(changelist.__name__, (_NoPersonalOrder, changelist), {})

    @override
    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        if self.is_masked(request):
            for row in changelist.result_list:
                _empty(row)
        return changelist

    @override
    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        # A filter answers what a column hides.
        if self.is_masked(request) and _first(lookup) in personal_fields(self.model):
            return False
        return super().lookup_allowed(lookup, value, request)

    @override
    def get_sortable_by(self, request: HttpRequest) -> Any:
        sortable = super().get_sortable_by(request)
        if not self.is_masked(request):
            return sortable
        return [name for name in sortable if name not in personal_fields(self.model)]

    @override
    def get_search_fields(self, request: HttpRequest) -> Any:
        fields = super().get_search_fields(request)
        if not self.is_masked(request):
            return fields
        return [name for name in fields if _first(str(name)) not in personal_fields(self.model)]

    @override
    def get_reasoned_actions(self, request: HttpRequest) -> Sequence[ReasonedAction]:
        if not personal_fields(self.model):
            return self.reasoned_actions
        unmask = ReasonedAction(
            name="unmask",
            label="Show personal data",
            permission=_PERMISSION,
            perform=self._unmask,
            question=f"Hidden: {self._hidden_names()}. You see it for "
            f"{UNMASKED_FOR.seconds // 60} minutes; who, when and why goes to the audit chain.",
            is_offered=lambda obj, _user: self.is_hidden(request, obj.pk),
        )
        return [unmask, *self.reasoned_actions]

    def _unmask(self, call: ActionCall) -> str:
        services.record_audit(
            action=_ACTION,
            actor=call.user,
            subject=subject_of(self.model, call.object_id),
            details={"fields": sorted(personal_fields(self.model))},
            reason=call.reason,
            now=call.now,
        )
        return "Personal data of this row is shown to you for 15 minutes."

    def _hidden_names(self) -> str:
        return ", ".join(personal_labels(self.model))

    @override
    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = kwargs.get("obj")
        if obj is not None and self.is_hidden(request, obj.pk):
            context["hidden_names"] = self._hidden_names()
        return super().render_change_form(request, context, *args, **kwargs)

    def require_shown(self, request: HttpRequest, pk: Any) -> None:
        """Refuse a page that can't be emptied, such as an old version.

        Raises:
            PermissionDenied: the row's personal data is hidden.
        """
        if self.is_hidden(request, pk):
            raise PermissionDenied


class _NoPersonalOrder(_ChangeList):
    """A list that no address sorts by what it hides."""

    @override
    def get_ordering_field(self, field_name: Any) -> Any:
        field = super().get_ordering_field(field_name)
        is_hidden = isinstance(field, str) and _first(field) in personal_fields(self.model)
        return None if is_hidden else field


def _first(path: str) -> str:
    return path.split("__", 1)[0]


def _empty(row: Model) -> None:
    for name in personal_fields(type(row)):
        field = row._meta.get_field(name)
        is_text = isinstance(field, (models.CharField, models.TextField))
        if getattr(row, name) not in {None, ""}:
            # A date keeps its type: pages compute with it. The page says what is hidden.
            setattr(row, name, HIDDEN if is_text else None)
