"""Editing with a reason: what staff change keeps who, when, what and why."""

from typing import TYPE_CHECKING, Any, override

from django import forms
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextInputWidget

from apps.core import services
from apps.core.admin.base import ModelAdmin, ReadOnlyAdmin
from apps.core.admin.masking import personal_labels
from apps.core.admin.versions import ChangeTexts
from apps.core.history import note_edit

if TYPE_CHECKING:

    class _SimpleHistoryAdmin[M: Model](ModelAdmin[M]):
        """What we use of simple-history's class, which has no types of its own."""

        def history_form_view(
            self, request: HttpRequest, object_id: str, version_id: str, extra_context: Any = None
        ) -> HttpResponse: ...

        def revert_disabled(self, request: HttpRequest, obj: M | None = None) -> bool: ...

        def render_history_view(
            self, request: HttpRequest, template: str, context: dict[str, Any], **kwargs: Any
        ) -> HttpResponse: ...
else:
    from simple_history.admin import SimpleHistoryAdmin

    class _SimpleHistoryAdmin(SimpleHistoryAdmin, ModelAdmin):
        def __class_getitem__(cls, _item: object) -> type:
            # For the type checker only, as in ``ModelAdmin``.
            return cls


REASON_FIELD = "change_reason"
_READS_VERSION = "reads_old_version"
_REASON_IS_ASKED_AS = {"reason": REASON_FIELD}
MIN_REASON_LENGTH = 5


def reason_field(*, required: bool = True) -> forms.CharField:
    """Return the form field in which somebody says why."""
    return forms.CharField(
        label="Reason",
        required=required,
        strip=True,
        min_length=MIN_REASON_LENGTH,
        max_length=1000,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="Why, in words an auditor can follow. Kept in the history and the audit chain.",
    )


class _Versions[M: Model](_SimpleHistoryAdmin[M]):
    """Shows what changed from one version of a row to the next, who did it and why."""

    @override
    def revert_disabled(self, request: HttpRequest, obj: M | None = None) -> bool:
        return True

    @override
    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        # The library's view stands before the base's and looks the object up first.
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        self._require_key(object_id)
        return super().history_view(request, object_id, extra_context)

    def get_historical_record_context_helper(
        self,
        request: HttpRequest,  # noqa: ARG002 - the library hands it over
        historical_record: Any,
    ) -> ChangeTexts:
        return ChangeTexts(self.model, historical_record)

    def _require_key(self, object_id: str) -> None:
        """Answer 404 to what can be nobody's key; the library would fail on it."""
        try:
            self.opts.pk.to_python(unquote(object_id))
        except ValidationError:
            raise Http404 from None

    def set_history_delta_changes(
        self, request: HttpRequest, historical_records: Any, *args: Any, **kwargs: Any
    ) -> None:
        """Keep old and new values of hidden fields out of the list of versions."""
        super().set_history_delta_changes(  # type: ignore[misc] # simple-history has no types
            request, historical_records, *args, **kwargs
        )
        if not self.is_masked(request):
            return
        hidden = set(personal_labels(self.model))
        for record in historical_records:
            changes = getattr(record, "history_delta_changes", [])
            record.history_delta_changes = [
                change for change in changes if str(change["field"]).lower() not in hidden
            ]


class HistoryAdmin[M: Model](_Versions[M]):
    """Admin of a model with ``history = history_records()``.

    Every save needs a reason. It lands in the history row and, with the names of the changed
    fields, in the audit chain, all in the transaction of the save. Old versions can be read but
    not restored: going back is an edit like any other. Nothing is deleted here.
    """

    @override
    def get_form(
        self, request: HttpRequest, obj: M | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if self._may_save(request, obj):
            # Declared on the base form, so that Django takes it for a field it may list.
            add_form = getattr(self, "add_form", self.form) if obj is None else self.form
            base = kwargs.get("form", add_form)
            concerned = {**_REASON_IS_ASKED_AS, **getattr(base, "concerned_fields", {})}
            own = {REASON_FIELD: reason_field(), "concerned_fields": concerned}
            kwargs["form"] = type(base.__name__, (base,), own)
        return super().get_form(request, obj, change=change, **kwargs)

    def _may_save(self, request: HttpRequest, obj: M | None) -> bool:
        if obj is None:
            return self.has_add_permission(request)
        return self.has_change_permission(request, obj)

    @override
    def get_fieldsets(self, request: HttpRequest, obj: M | None = None) -> Any:
        # Django lists declared form fields only when neither fields nor fieldsets are set.
        fieldsets = [
            (name, {**options, "fields": [f for f in options["fields"] if f != REASON_FIELD]})
            for name, options in super().get_fieldsets(request, obj)
        ]
        if self._may_save(request, obj):
            fieldsets.append(("Why", {"fields": [REASON_FIELD]}))
        return fieldsets

    @override
    def save_model(self, request: HttpRequest, obj: M, form: Any, change: bool) -> None:
        reason = form.cleaned_data[REASON_FIELD]
        note_edit(obj, acting_user=request.user, reason=reason, now=timezone.now())
        super().save_model(request, obj, form, change)

    @override
    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        changed = [name for name in form.changed_data if name != REASON_FIELD]
        services.record_audit(
            action=f"{self.opts.label_lower}.{'changed' if change else 'added'}",
            actor=request.user if request.user.is_authenticated else None,
            subject=f"{self.opts.label_lower}:{form.instance.pk}",
            details={"fields": sorted(changed)},
            reason=form.cleaned_data[REASON_FIELD],
            now=timezone.now(),
        )

    @override
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        # Django's own atomic block is inside; this one makes "same transaction" true by our code.
        with transaction.atomic():
            return super().changeform_view(request, object_id, form_url, extra_context)

    @override
    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    @override
    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: Any = None
    ) -> HttpResponse:
        if request.method != "GET" or not self.has_view_or_change_permission(request):
            # The library would restore the old version without asking why.
            raise PermissionDenied
        if not version_id.isdecimal():
            raise Http404  # The library's address takes any text.
        self._require_key(object_id)
        self.require_shown(request, object_id)
        vars(request).update({_READS_VERSION: True})
        return super().history_form_view(request, object_id, version_id, extra_context)

    @override
    def render_history_view(
        self, request: HttpRequest, template: str, context: dict[str, Any], **kwargs: Any
    ) -> HttpResponse:
        """Show an old version as what it is: nothing of it can be typed over."""
        if form := context.get("adminform"):
            form.readonly_fields = flatten_fieldsets(form.fieldsets)
            context["show_history"] = False  # Closing leads there; the button would lead nowhere.
        return super().render_history_view(request, template, context, **kwargs)

    @override
    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        is_version = getattr(request, _READS_VERSION, False)
        return not is_version and super().has_change_permission(request, obj)


class VersionedAdmin[M: Model](_Versions[M], ReadOnlyAdmin[M]):
    """Admin of a model with ``history = history_records()`` that only services write.

    Its history says what each deed changed. Old versions have no page of their own: what the pages
    of such rows show beside the columns is of now.
    """

    @override
    def get_urls(self) -> list[URLPattern]:
        of_version = f"{self.opts.app_label}_{self.opts.model_name}_simple_history"
        return [url for url in super().get_urls() if url.name != of_version]
