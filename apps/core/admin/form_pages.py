"""A form on a page of its own, with the question that it answers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, override

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.forms.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.core.admin.refusals import RefusalShownIn

if TYPE_CHECKING:
    _Base = ModelAdmin[Any]
else:
    _Base = object


@dataclass(frozen=True, kw_only=True, slots=True)
class FormPage:
    """What stands around a form, with files or not: title, question, button and the way back."""

    title: str
    question: str
    label: str
    back_url: str
    tone: ClassVar = "primary"

    def show(
        self,
        request: HttpRequest,
        model_admin: "ModelAdmin[Any]",
        form: BaseForm,
        *,
        status: int = 200,
    ) -> TemplateResponse:
        context = {
            **model_admin.admin_site.each_context(request),
            "title": self.title,
            "opts": model_admin.opts,
            "form": form,
            "action": self,
            "back_url": self.back_url,
        }
        return TemplateResponse(request, "admin/form_page.html", context, status=status)


@dataclass(frozen=True, kw_only=True, slots=True)
class AddPage:
    """What stands around the form of ``AddedByServiceMixin``."""

    title: str
    question: str
    label: str


class AddedByServiceMixin(_Base):
    """Adds a row through a form and one service call; list it before the base class.

    A refusal stands in the form, which keeps what was typed; what was added is opened.
    """

    add_page: AddPage

    def new_form(self, request: HttpRequest) -> BaseForm:
        """Return the form, bound to what was sent."""
        raise NotImplementedError

    def added(self, request: HttpRequest, form: Any) -> Model:
        """Ask the service for what a valid form says, say so in a message, and return the row."""
        raise NotImplementedError

    @override
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        pages = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        form = self.new_form(request)
        if request.method == "POST" and form.is_valid():
            with RefusalShownIn(form):
                row = self.added(request, form)
                return HttpResponseRedirect(reverse(f"{pages}_change", args=[row.pk]))
        page = FormPage(
            title=self.add_page.title,
            question=self.add_page.question,
            label=self.add_page.label,
            back_url=reverse(f"{pages}_changelist"),
        )
        return page.show(request, self, form)
