"""Buttons on a change page, each a permission, a reason and one service call."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, override

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.decorators import action as unfold_action
from unfold.widgets import UnfoldAdminTextareaWidget

from apps.core.admin.refusals import RefusalShownIn

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin as DjangoModelAdmin

    _Base = DjangoModelAdmin[Any]
else:
    _Base = object


class ReasonForm(forms.Form):
    """Asks why; derive from it to ask for more, which arrives in ``ActionCall.fields``."""

    reason = forms.CharField(
        min_length=5,
        max_length=1000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Why, in words an auditor can follow. Kept for ever.",
    )

    def fit(self, obj: Any) -> None:
        """Narrow what is offered to what is possible for the object; override it."""


@dataclass(frozen=True, slots=True)
class ActionCall:
    """What somebody asked for; ``perform`` hands it to one service."""

    object_id: Any
    user: Any
    reason: str
    fields: Mapping[str, Any]
    now: datetime


@dataclass(frozen=True, slots=True)
class ReasonedAction:
    """One button. ``perform`` returns the message to show; a DomainError stands in the form.

    ``permission`` is ``app_label.codename``. ``is_offered`` decides whether the button shows for
    this object and person; the service decides for real. ``why_not`` says of the object why a
    button that people look for is not there; empty says nothing. ``tone`` is primary, danger or
    plain.
    """

    name: str
    label: str
    permission: str | None
    perform: Callable[[ActionCall], str]
    question: str = ""
    tone: str = "plain"
    is_offered: Callable[[Any, Any], bool] = field(default=lambda _obj, _user: True)
    why_not: Callable[[Any], str] = field(default=lambda _obj: "")
    form_class: type[ReasonForm] = ReasonForm


def list_button[View: Callable[..., HttpResponse]](
    *, description: str, url_path: str, permissions: Sequence[str] | None = None
) -> Callable[[View], View]:
    """Return the decorator of a page that a button above a list opens; see ``actions_list``."""
    button: Callable[[View], View] = unfold_action(
        description=description, url_path=url_path, permissions=permissions
    )
    return button


class ReasonedActionsMixin(_Base):
    """Gives an admin class ``reasoned_actions``."""

    reasoned_actions: Sequence[ReasonedAction] = ()
    change_form_outer_before_template = "admin/reasoned_actions.html"

    def get_reasoned_actions(self, request: HttpRequest) -> Sequence[ReasonedAction]:  # noqa: ARG002 - by whom is asked where personal data is hidden
        return self.reasoned_actions

    @override
    def get_urls(self) -> list[URLPattern]:
        options = self.model._meta
        return [
            path(
                "<path:object_id>/do/<slug:name>/",
                self.admin_site.admin_view(self.reasoned_action_view),
                name=f"{options.app_label}_{options.model_name}_do",
            ),
            *super().get_urls(),
        ]

    @override
    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj: Model | None = kwargs.get("obj")
        context["reasoned_actions"] = offered = []
        context["withheld_actions"] = withheld = []
        for action in self.get_reasoned_actions(request):
            if obj is None or not _may(request, action):
                continue
            if action.is_offered(obj, request.user):
                url = self._url(obj, action.name)
                offered.append({"label": action.label, "tone": action.tone, "url": url})
            elif why := action.why_not(obj):
                withheld.append({"label": action.label, "why": why})
        return super().render_change_form(request, context, *args, **kwargs)

    def reasoned_action_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Ask why, then do it; back to the object with what came of it, or say why not."""
        action = next((one for one in self.get_reasoned_actions(request) if one.name == name), None)
        if action is None:
            raise Http404
        # Asked before the object is looked up: who may not act doesn't learn which ids exist.
        if not self.has_view_permission(request) or not _may(request, action):
            raise PermissionDenied
        obj: Model | None = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404
        if not self.has_view_permission(request, obj):
            raise PermissionDenied
        form = action.form_class(request.POST or None)
        form.fit(obj)
        if request.method == "POST" and form.is_valid() and _is_done(request, action, obj, form):
            return HttpResponseRedirect(self._url(obj))
        return TemplateResponse(
            request,
            "admin/form_page.html",
            {
                **self.admin_site.each_context(request),
                "title": f"{action.label}: {obj}",
                "opts": self.opts,
                "object": obj,
                "action": action,
                "form": form,
                "back_url": self._url(obj),
            },
        )

    def _url(self, obj: Model, action_name: str = "") -> str:
        options = self.model._meta
        prefix = f"admin:{options.app_label}_{options.model_name}"
        if action_name:
            return reverse(f"{prefix}_do", args=[obj.pk, action_name])
        return reverse(f"{prefix}_change", args=[obj.pk])


def _may(request: HttpRequest, action: ReasonedAction) -> bool:
    return action.permission is None or request.user.has_perm(action.permission)


def _is_done(request: HttpRequest, action: ReasonedAction, obj: Model, form: ReasonForm) -> bool:
    """Ask the service; a refusal stands in the form, which keeps what the person typed."""
    fields = form.cleaned_data
    call = ActionCall(
        object_id=obj.pk,
        user=request.user,
        reason=fields["reason"],
        fields={name: value for name, value in fields.items() if name != "reason"},
        now=timezone.now(),
    )
    with RefusalShownIn(form):
        messages.success(request, action.perform(call))
        return True
    return False
